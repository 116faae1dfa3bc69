# What happens in a task before Foundry starts and after it has ended. POSIX shell: old images have busybox's, new
# ones Debian's. The first word says which part:
#
#   prepare   by the first container, as root: the release, the licence file, options, credentials, host name
#   run …     as Foundry's entry point, around the image's own
#   fetch     by the operator's task: the image's release, once for all
#
# What members chose comes in by the environment and is nothing but data: quoted, or read by jq from `env`.
set -eu
umask 077
data=${DATA:-/data} prepared=${PREPARED:-/prepared} cache=${CACHE:-/cache} releases=${RELEASES:-/releases}
config=$data/Config
license=$config/license.json
stopped=$config/clean-stop # what there was when Foundry last ended cleanly; not there while it runs
archive=foundryvtt-$FOUNDRY_VERSION.zip
line_end='
'

# A file appears as a whole or not at all, whenever the task is killed.
put() {
  cat > "$1.new"
  mv -f "$1.new" "$1"
}

key_on_disk() {
  jq -r '.license // "" | gsub("-"; "")' "$license" 2> /dev/null || true
}

# Where the signature that Foundry gave a key is kept while the key itself is not on the disk.
signature_of() {
  printf '%s/signatures/%s.json' "$config" "$(printf %s "$1" | sha256sum | cut -d ' ' -f 1)"
}

# Without its signature, the next run with a key that is not on the disk would begin at the licence page.
keep_signature() {
  key=$(key_on_disk)
  if [ -z "$key" ]; then return; fi
  mkdir -p "$config/signatures"
  signed=$(jq 'del(.license)' "$license")
  printf '%s\n' "$signed" | put "$(signature_of "$key")"
}

# Take the key off the disk.
put_license_away() {
  keep_signature
  rm -f "$license"
}

# The image writes the file only where there is none: a key of an earlier run would stay for good.
write_license() {
  wanted=$(printf %s "$LICENSE_KEY" | tr -d '-')
  if [ -z "$wanted" ]; then # without a key the image would take one from the account
    echo "There is no licence key." >&2
    exit 78
  fi
  if [ "$(key_on_disk)" = "$wanted" ]; then return; fi
  put_license_away
  entry='{license: (env.LICENSE_KEY | gsub("-"; ""))}'
  signed=$(jq -es ".[0] | objects + $entry" "$(signature_of "$wanted")" 2> /dev/null || jq -n "$entry")
  printf '%s\n' "$signed" | put "$license"
}

# The image leaves both files alone once they are there. Members' own options stay, the platform's come on top;
# the admin key is written anew by the image. A world that the platform is to open leaves none that a member has set
# in Foundry itself. What Foundry could not read either is put aside.
write_options() {
  options=$config/options.json
  rm -f "$config/admin.txt"
  if [ ! -e "$options" ]; then return; fi
  owned='(env.OPTIONS | fromjson) + if env.WORLD then {world: null} else {} end'
  if merged=$(jq -es "if length == 1 then .[0] | objects + $owned else empty end" "$options"); then
    printf '%s\n' "$merged" | put "$options"
  else
    mv -f "$options" "$options.unreadable"
  fi
}

# Foundry binds a licence's signature to the host name, which is another in each task on Fargate.
write_host_name() {
  if [ -z "${HOST_NAME:-}" ]; then return; fi
  {
    jq -nr '"const name = \(env.HOST_NAME | tojson);"'
    echo 'require("os").hostname = () => name;'
    echo 'require("module").syncBuiltinESMExports();'
  } | put "$prepared/host-name.cjs"
}

# Wait for the operator's task if it is still at work; EFS shows its file once it is whole.
copy_release() {
  waited=0
  until [ -f "$releases/$archive" ]; do
    if [ "$waited" -ge "$RELEASE_WAIT_SECONDS" ]; then
      echo "$archive was not fetched within $RELEASE_WAIT_SECONDS s." >&2
      exit 69
    fi
    if [ "$waited" -eq 0 ]; then echo "Waiting for $archive to be fetched."; fi
    sleep 2
    waited=$((waited + 2))
  done
  cp "$releases/$archive" "$cache/$archive"
}

# Foundry's build, then a line for each manifest of a package or a world: its checksum and its path. Links are
# followed. A name with a line's end or a backslash, which sha256sum would write otherwise, is none for Foundry.
inventory() {
  printf '%s\n' "$FOUNDRY_VERSION"
  (
    cd "$data/Data" 2> /dev/null || exit 0
    find -L modules systems worlds -mindepth 2 -maxdepth 2 -type f \
      \( -path 'modules/*/module.json' -o -path 'systems/*/system.json' -o -path 'worlds/*/world.json' \) \
      ! -path "*$line_end*" ! -path '*\\*' -exec sha256sum {} + 2> /dev/null || true
  )
}

# The version of the system that a world is for, by its manifest.
version_of_system() {
  name=$(jq -r '.system | strings | select(test("^[A-Za-z0-9_-]+$"))' "$1" 2> /dev/null || true)
  if [ -f "$data/Data/systems/$name/system.json" ]; then
    jq -r '.version | strings' "$data/Data/systems/$name/system.json" 2> /dev/null || true
  fi
}

# Why a world is not opened at once; nothing if it can be. One that Foundry is started with it opens, and migrates,
# without its checks of compatibility: so only what was ended cleanly, and has not changed since.
why_not() {
  world=$data/Data/worlds/$WORLD/world.json
  case $WORLD in *[!A-Za-z0-9_-]*) echo "no world can be called so" && return ;; esac
  if [ ! -f "$world" ]; then echo "there is no world $WORLD" && return; fi
  if [ ! -f "$stopped" ]; then echo "Foundry is not known to have ended cleanly the last time" && return; fi
  version=$(version_of_system "$world")
  inventory | jq -nRr --rawfile before "$stopped" --rawfile world "$world" --arg version "$version" '
    def shown: tostring | .[:40] | gsub("[^A-Za-z0-9._+-]"; "?");
    def manifests: map(select(length > 66) | {(.[66:]): .[:64]}) | add // {};
    def name: split("/") | "\(.[0][:-1]) \(.[1] | shown)";
    ($before | split("\n")) as $noted | [inputs] as $now | ($noted | manifests) as $old | ($now | manifests) as $new
    | [$old + $new | keys[] | select($old[.] != $new[.])
      | select(startswith("worlds/") | not) // select(. == "worlds/\(env.WORLD)/world.json")] as $changed
    | ($world | fromjson | objects // error("no manifest")) as $own
    | if $noted[0] != $now[0] then "Foundry was \($noted[0] | shown) and is \($now[0] | shown)"
      elif $changed != [] then "the \($changed[0] | name) is not what it was"
      elif $own.coreVersion != $now[0] then "it was last opened in Foundry \($own.coreVersion | shown)"
      elif $own.systemVersion != $version
      then "its system was \($own.systemVersion | shown) and is \($version | shown)"
      else empty end' 2> /dev/null || echo "its files cannot be read"
}

# What Foundry is to open is handed over, or it is said why not: actions/instances/worlds.py reads that line.
write_world() {
  if [ -z "${WORLD:-}" ]; then return; fi
  why=$(why_not)
  if [ -n "$why" ]; then
    echo "The world is not opened at once: $why."
  else
    printf %s "$WORLD" | put "$prepared/world"
  fi
}

# Foundry touches the lock of its files every few seconds, so one that is over a minute old was left by a task that
# died. A fresh one stays: should another task be alive all the same, Foundry must not start.
remove_old_lock() {
  lock=$config/options.json.lock
  if [ -n "$(find "$lock" -maxdepth 0 -mmin +1 2> /dev/null)" ]; then
    echo "Removing a lock that a task has left."
    rm -rf "$lock"
  fi
}

# What is half put back (file_task/) is nobody's to open: a task of its own finishes it first.
refuse_half_restored() {
  if [ -e "$data/.restoring/plan.json" ]; then
    echo "The files are being put back." >&2
    exit 70
  fi
}

prepare() {
  trap 'exit 143' TERM # process 1 ignores what it does not catch
  refuse_half_restored
  if [ -n "${RELEASE_WAIT_SECONDS:-}" ]; then copy_release; fi
  rm -f "$data/container_cache/backoff_state.json" # a start that is asked for does not wait for earlier failures
  mkdir -p "$config"
  remove_old_lock
  write_world
  write_license
  write_options
  printf %s "$AWS_CONFIG" | put "$prepared/aws.json"
  write_host_name
  chown -R "$OWNER:$OWNER" "$prepared" "$cache"
}

# A run that is killed leaves no clean stop; one in which Foundry was never installed, that of the run before.
begin_run() {
  rm -f "$stopped.before"
  if [ -f "$stopped" ]; then mv -f "$stopped" "$stopped.before"; fi
}

end_run() {
  if [ ! -e resources/app ]; then
    if [ -f "$stopped.before" ]; then mv -f "$stopped.before" "$stopped"; fi
  elif [ -n "$asked" ] && { [ "$code" -eq 0 ] || [ "$code" -eq 143 ]; }; then
    inventory | put "$stopped"
    keep_signature # no save of the files holds the licence itself
  fi
  rm -f "$stopped.before"
}

# The image's entry point in a group of its own. Older images leave at SIGTERM while Foundry is still writing, and
# the task ends with its first process: this one stays until the whole group is gone.
run() {
  if [ -f "$CONTAINER_CACHE/$archive" ]; then unset FOUNDRY_USERNAME FOUNDRY_PASSWORD; fi
  # By argument: the image reads FOUNDRY_WORLD only where options.json is not there yet, and would leave it there.
  if [ -s "$prepared/world" ]; then set -- "$@" "--world=$(cat "$prepared/world")"; fi
  begin_run
  child='' asked=''
  trap 'asked=1; if [ -n "$child" ]; then kill -TERM "$child" 2> /dev/null || true; fi' TERM
  setsid ./entrypoint.sh "$@" &
  child=$!
  if [ -n "$asked" ]; then kill -TERM "$child" 2> /dev/null || true; fi
  code=0
  while kill -0 "$child" 2> /dev/null; do
    code=0
    wait "$child" || code=$?
  done
  while kill -0 "-$child" 2> /dev/null; do sleep 1; done
  if [ "${LICENSE_BORROWED:-}" = true ]; then put_license_away; fi
  end_run || true
  exit "$code"
}

# Two at once do no harm: each loads under a name of its own, and both rename the same release into place.
fetch() {
  if [ -f "$releases/$archive" ]; then return; fi
  find "$releases" -name 'fetching.*' -mmin +60 -exec rm -f {} +
  loaded=$(mktemp "$releases/fetching.XXXXXX")
  session=$(mktemp -d)
  trap 'rm -rf "$loaded" "$session"' EXIT
  trap 'exit 143' TERM
  ./authenticate.js "$FOUNDRY_USERNAME" "$FOUNDRY_PASSWORD" "$session/cookies.json"
  address=$(./get_release_url.js --retry=2 "$session/cookies.json" "$FOUNDRY_VERSION")
  curl --fail --location --silent --show-error --output "$loaded" "$address"
  unzip -tq "$loaded" > /dev/null
  mv -f "$loaded" "$releases/$archive"
}

"$@"
