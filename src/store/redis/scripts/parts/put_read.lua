-- Reads what the call wants written and what is there. A key of a wrong type raises here, before anything is written.
local ttl, lifetime, keep, lease_start, most_connections, most_bytes, floor, count = take(8)
local connections, servers = take_keys(2)
local lease = lease_start ~= '' and take_keys(1)
ttl, lifetime = tonumber(ttl), tonumber(lifetime)
local records = {}
for i = 1, tonumber(count) do
  local member, revision, expected_status, expected_at, status, connected_at, action, tail = take(8)
  local keys, staging = declare(member), take_keys(1)
  -- Where nothing is staged the tools key stands in its place: access lists and clusters judge every name in KEYS.
  records[i] = {
    member = member, keys = keys, staging = staging ~= keys.tools and staging,
    revision = revision, expected_status = expected_status, expected_at = expected_at,
    status = status, connected_at = connected_at, action = action, tail = tail,
    found_status = false, found_at = false, found_info = false, found_revision = 0, found_expires = 0,
    found_latest = 0, latest = 0, expires = 0}
end
while has_arguments() do declare(take(1)) end

local function refuse(why, member)
  for _, record in ipairs(records) do
    if record.staging then call('DEL', record.staging) end
  end
  return {why, member}
end

local held = lease and call('GET', lease)
for _, record in ipairs(records) do
  local keys = record.keys
  -- MGET reads in one call what nearly always is there, but takes a wrong type for an absent value; STRLEN does not.
  local found = call('MGET', keys.status, keys.connected_at, keys.info)
  if record.action ~= 'look' then
    for n, name in ipairs({keys.status, keys.connected_at, keys.info}) do
      if not found[n] then call('STRLEN', name) end
    end
    if record.action == 'replace_empty' then
      record.list = call('GETRANGE', keys.tools, 0, 127)
    else
      call('STRLEN', keys.tools)
    end
  end
  record.found_status, record.found_at, record.found_info = found[1], found[2], found[3] ~= false
  record.found_revision, record.found_expires, record.found_latest = parse_head(found[3] or '')
end
