#!/usr/bin/env bash
# The documented series, with curl: from a source tenant's licence key to a new
# tenant that people sign in to, as the official scripts do it, and then its
# deactivation and return. INTEROP_CONFIG is what the quickstart wrote; every host
# name is taken to the server by curl itself. Needs curl, openssl and node.
set -euo pipefail

config=$INTEROP_CONFIG
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# get EXPRESSION prints a value of the JSON on standard input, which is `it`.
get() { node -e 'const it = JSON.parse(require("fs").readFileSync(0)); const v = eval(process.argv[1]); if (v === undefined) { console.error("no " + process.argv[1] + " in " + JSON.stringify(it)); process.exit(1) } console.log(typeof v === "string" ? v : JSON.stringify(v))' "$1"; }
setting() { get "$1" <"$config"; }

port=$(setting 'new URL(it.console.url).port')
client=$(setting it.regions.us.client_id)
secret=$(setting it.regions.us.client_secret)
source=$(setting 'it.tenants[0].url')
register=$(setting it.regions.us.register_url)

# call STATUS METHOD URL [curl arguments] prints the body, if the status is right.
call() {
  local want=$1 method=$2 url=$3 status
  shift 3
  status=$(curl --silent --show-error --cacert "$INTEROP_CA" --connect-to "::127.0.0.1:$port" --request "$method" \
    --output "$work/body" --dump-header "$work/headers" --write-out '%{http_code}' "$@" "$url")
  if [[ $status != "$want" ]]; then
    echo "$method $url: $status, want $want: $(cat "$work/body")" >&2
    return 1
  fi
  cat "$work/body"
}
json() { call "$1" "$2" "$3" --header "Authorization: Bearer $4" --header 'Content-Type: application/json' --data "$5"; }
read_as() { call 200 GET "$1" --header "Authorization: Bearer $2"; }
token() { # of HOST
  call 200 POST "$1/oauth/token" --header 'Content-Type: application/json' --header 'Accept: application/json' \
    --data "{\"client_id\":\"$client\",\"client_secret\":\"$secret\",\"grant_type\":\"client_credentials\"}" | get it.access_token
}
step() { echo "step $1"; }

step "0: the source tenant has a person who administers it"
at_source=$(token "$source")
json 201 POST "$source/api/v1/users" "$at_source" '{"name":"Ada","email":"ada@example.com","subject":"auth0|ada","assignedRoles":[{"name":"TenantAdmin"}]}' >/dev/null

step "1, 2: a token, and the licence key"
license=$(read_as "$source/api/v1/licenses/overview" "$at_source" | get it.licenseKey)

step "3, 4: a token of the register host, and the tenant"
at_register=$(token "$register")
json 201 POST "$register/api/v1/tenants" "$at_register" "{\"licenseKey\":\"$license\"}" >"$work/tenant"
id=$(get it.id <"$work/tenant")
hostname=$(get 'it.hostnames[0]' <"$work/tenant")
target=https://$hostname:$port

step "5, 6: a token of the new tenant, which is who it says"
at_target=$(token "$target")
me=$(call 200 GET "$target/api/v1/users/me" --location --header "Authorization: Bearer $at_target")
[[ $(get it.tenantId <<<"$me") == "$id" ]]

step "7: the person in the source tenant"
user=$(call 200 GET "$source/api/v1/users" --get --data-urlencode 'filter=email eq "ada@example.com"' --header "Authorization: Bearer $at_source" | get 'it.data[0]')
[[ $(get 'it.roles.includes("TenantAdmin")' <<<"$user") == true ]]
subject=$(get it.subject <<<"$user")

step "8, 9: the role, and the person in the new tenant"
role=$(read_as "$target/api/v1/roles?limit=100" "$at_target" | get 'it.data.find(r => r.name === "TenantAdmin").id')
json 201 POST "$target/api/v1/users" "$at_target" "{\"name\":\"Ada\",\"email\":\"ada@example.com\",\"subject\":\"$subject\",\"status\":\"active\",\"assignedRoles\":[{\"id\":\"$role\"}]}" >/dev/null

step "10, 11: groups and licences"
json 204 PATCH "$target/api/v1/groups/settings" "$at_target" '[{"op":"replace","path":"/autoCreateGroups","value":true},{"op":"replace","path":"/syncIdpGroups","value":true}]'
json 200 PUT "$target/api/v1/licenses/settings" "$at_target" '{"autoAssignProfessional":true,"autoAssignAnalyzer":false}' >/dev/null

step "12: the identity provider, with a PEM in one line"
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$work/key.pem" 2>/dev/null
pem=$(openssl pkey -in "$work/key.pem" -pubout | tr -d '\n')
json 201 POST "$target/api/v1/identity-providers" "$at_target" "{\"tenantIds\":[\"$id\"],\"provider\":\"external\",\"protocol\":\"jwtAuth\",\"interactive\":false,\"active\":true,\"clockToleranceSec\":5,\"description\":\"JWT\",\"options\":{\"jwtLoginEnabled\":true,\"issuer\":\"https://portal.example.com\",\"staticKeys\":[{\"kid\":\"portal\",\"pem\":\"$pem\"}]}}" >/dev/null

step "13: spaces"
space=$(json 201 POST "$target/api/v1/spaces" "$at_target" '{"name":"Shared","type":"shared"}' | get it.id)
json 201 POST "$target/api/v1/spaces" "$at_target" '{"name":"Production","type":"managed"}' >/dev/null

step "14: somebody signs in, with a group"
base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
now=$(date +%s)
header=$(printf '{"alg":"RS256","typ":"JWT","kid":"portal"}' | base64url)
claims=$(printf '{"iss":"https://portal.example.com","aud":"qlik.api/login/jwt-session","sub":"bob","subType":"user","name":"Bob","email":"bob@example.com","email_verified":true,"groups":["Consumers"],"jti":"%s-%s","iat":%d,"nbf":%d,"exp":%d}' "$now" "$RANDOM" "$((now - 60))" "$((now - 60))" "$((now + 300))" | base64url)
signature=$(printf '%s.%s' "$header" "$claims" | openssl dgst -sha256 -sign "$work/key.pem" -binary | base64url)
call 200 POST "$target/login/jwt-session" --cookie-jar "$work/cookies" --header "Authorization: Bearer $header.$claims.$signature" >/dev/null
bob=$(call 200 GET "$target/api/v1/users/me" --location --cookie "$work/cookies")
[[ $(get it.subject <<<"$bob") == bob ]]
group=$(read_as "$target/api/v1/groups" "$at_target" | get 'it.data.find(g => g.name === "Consumers").id')

step "15: the group in the space"
json 201 POST "$target/api/v1/spaces/$space/assignments" "$at_target" "{\"type\":\"group\",\"assigneeId\":\"$group\",\"roles\":[\"consumer\"]}" >/dev/null

step "last: deactivated, and back"
call 412 POST "$register/api/v1/tenants/$id/actions/deactivate" --header "Authorization: Bearer $at_register" >/dev/null
call 200 POST "$register/api/v1/tenants/$id/actions/deactivate" --header "Authorization: Bearer $at_register" --header "qlik-confirm-hostname: $hostname" \
  --header 'Content-Type: application/json' --data '{"purgeAfterDays":10}' | get it.estimatedPurgeDate >/dev/null
[[ $(call 401 GET "$target/api/v1/users/me" --header "Authorization: Bearer $at_target" | get 'it.errors[0].code') == TENANT_DEACTIVATED ]]
call 200 POST "$register/api/v1/tenants/$id/actions/reactivate" --header "Authorization: Bearer $at_register" --header "qlik-confirm-hostname: $hostname" >/dev/null
read_as "$target/api/v1/tenants/$id" "$(token "$target")" | get it.status
