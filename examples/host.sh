#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a web application does with mcpstate, by curl.
#
#     mcpstate serve --servers servers.json        in another terminal; servers.json registers "everything"
#     examples/host.sh
#
# MCPSTATE_URL (default http://127.0.0.1:7337), MCPSTATE_TOKEN (if the service wants one).
set -euo pipefail
base=${MCPSTATE_URL:-http://127.0.0.1:7337}
session=$base/v1/sessions/visitor-$RANDOM$RANDOM
user=sh-$RANDOM$RANDOM
ask() { curl --silent --show-error --fail-with-body --max-time 70 ${MCPSTATE_TOKEN:+-H "Authorization: Bearer $MCPSTATE_TOKEN"} \
  -H 'Content-Type: application/json' "$@" && echo; }

echo "1. a visitor connects a server"
ask -X PUT -d '{}' "$session/connections/everything?wait=60s"
echo "2. his connections; with their tools: ?tools=true"
ask "$session/connections"
echo "3. the tools alone, as the server sent them"
ask "$session/connections/everything/tools" | cut -c 1-200
echo "4. one of them is called"
ask -d '{"message":"hello from curl"}' "$session/connections/everything/tools/echo/call"
echo "5. the snapshot that begins the live events"
ask --no-buffer --max-time 2 "$session/events" || [ $? -eq 28 ] # 28: the time is over
echo "6. he signs in"
ask -d "{\"user_id\":\"$user\"}" "$session/claim"
echo "7. and leaves"
ask -X DELETE "$base/v1/users/$user/connections"
