#!/bin/bash
# The image's launcher as its rules are, played: what it writes to /data, and the environment that Foundry gets.
set -euo pipefail
config=$PLAYED_DATA/Config
mkdir -p "$config"
if [[ ${CONTAINER_PRESERVE_CONFIG:-} != true || ! -f $config/options.json ]]; then
  jq -n '{hostname: env.FOUNDRY_HOSTNAME, proxySSL: (env.FOUNDRY_PROXY_SSL == "true"), awsConfig: env.FOUNDRY_AWS_CONFIG,
    proxyPort: (env.FOUNDRY_PROXY_PORT | tonumber), telemetry: false, language: "en.core", world: null, port: 30000,
    dataPath: "/data", upnp: false, routePrefix: null, passwordSalt: null}' > "$config/options.json"
fi
if [[ ${CONTAINER_PRESERVE_CONFIG:-} != true || ! -f $config/admin.txt ]]; then
  if [[ ${FOUNDRY_ADMIN_KEY:-} ]]; then echo "$FOUNDRY_ADMIN_KEY" | sha512sum > "$config/admin.txt"; fi
fi
carried=
while IFS='=' read -rd '' name value; do
  if [[ $name =~ ^HOME$|^NODE_.+$ ]]; then carried="$carried $name=$value"; fi
done < <(env -0)
exec env -i $carried sh "$@"
