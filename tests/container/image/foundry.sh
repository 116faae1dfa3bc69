# Foundry, played: notes what it was started with, signs an unsigned licence for its host, and takes a second to
# save its world when it is told to end. Without a world in its way it ends at once.
for argument in "$@"; do
  case $argument in --dataPath=*) data=${argument#--dataPath=} ;; esac
done
license=$data/Config/license.json
env > "$data/environment"
printf '%s\n' "$@" > "$data/arguments"
ps -o pgid= -p $$ | tr -d ' ' > "$data/pid"
cp "$license" "$data/license-seen.json"
if [ -f "$data/sign" ]; then
  signed=$(jq '. + {host: "h", signature: ("signed-" + .license)}' "$license") && echo "$signed" > "$license"
fi
if [ -f "$data/ends" ]; then exit "$(cat "$data/ends")"; fi
trap 'sleep 1; echo saved > "$data/world"; exit 0' TERM
touch "$data/up"
while true; do sleep 0.1; done
