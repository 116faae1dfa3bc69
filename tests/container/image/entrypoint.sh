#!/bin/bash
# The image's entry point as its rules are (github.com/felddy/foundryvtt-docker, October 2024 and September 2026),
# played: IMAGE says which, PLAYED_DATA where /data is, CALLS where each visit to foundryvtt.com is noted.
set -euo pipefail
license=$PLAYED_DATA/Config/license.json
cookies=$PLAYED_DATA/../cookies
[[ $(cat image_version.txt) == "$FOUNDRY_VERSION".* ]] || echo "FOUNDRY_VERSION does not match"
if [[ $IMAGE == 2026 ]]; then
  touch "$PLAYED_DATA/.container-permissions-test.txt" && rm "$PLAYED_DATA/.container-permissions-test.txt"
  trap '[[ $? -eq 0 || $? -eq 143 ]] || echo "{}" > "$CONTAINER_CACHE/backoff_state.json"' EXIT
fi
mkdir -p "$CONTAINER_CACHE"
release=$CONTAINER_CACHE/foundryvtt-$FOUNDRY_VERSION.zip
[[ $IMAGE == 2024 ]] || echo "Signature" > "$CONTAINER_CACHE/CACHEDIR.TAG"

log_in=
if [[ ${FOUNDRY_USERNAME:-} && ${FOUNDRY_PASSWORD:-} ]]; then
  key=${FOUNDRY_LICENSE_KEY:-}
  log_in=yes
  if [[ $IMAGE == 2026 && -f $release && (-f $license || ${#key} -ge 24) ]]; then log_in=; fi
fi
if [[ $log_in ]]; then
  ./authenticate.js "$FOUNDRY_USERNAME" "$FOUNDRY_PASSWORD" "$cookies"
  address=$(./get_release_url.js "$cookies" "$FOUNDRY_VERSION")
  curl --silent --fail --output "$CONTAINER_CACHE/downloading.zip" "$address"
  mv "$CONTAINER_CACHE/downloading.zip" "$release"
fi
if [[ ! -f $release ]]; then echo "Unable to install Foundry Virtual Tabletop!" && exit 1; fi
rm -rf resources && unzip -q "$release" 'resources/*'

if [[ ! -f $license ]]; then
  mkdir -p "$PLAYED_DATA/Config"
  key=${FOUNDRY_LICENSE_KEY:-}
  if [[ ${#key} -ge 24 ]]; then
    echo "{ \"license\": \"$key\" }" | tr -d '-' > "$license"
  elif [[ -f $cookies ]]; then
    echo '{"license": "OFTHESIGNEDINACCOUNT"}' > "$license"
  fi
fi

trap 'kill -TERM $child' TERM
./launcher.sh "$@" &
child=$!
code=0
wait $child || code=$?
if [[ $IMAGE == 2024 ]]; then exit 0; fi # though the child may still be writing
while kill -0 $child 2> /dev/null; do code=0; wait $child || code=$?; done
exit $code
