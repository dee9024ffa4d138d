-- Reads what the call wants written and what is there. A key of a wrong type raises here, before anything is written.
local ttl, lifetime, keeps_expiry, lease_start = number(), number(), argument() == 'keep', argument()
local connections, servers = key(), key()
local lease = lease_start ~= '' and key()
local records = {}
for i = 1, number() do
  local record = {member = argument()}
  record.keys, record.staging = declare(record.member), key()
  record.revision, record.expected_status, record.expected_at = argument(), argument(), argument()
  record.status, record.connected_at, record.action, record.tail = argument(), argument(), argument(), argument()
  -- Where nothing is staged the tools key stands in its place: access lists and clusters judge every name in KEYS.
  if record.staging == record.keys.tools then record.staging = nil end
  records[i] = record
end
while has_arguments() do declare(argument()) end

local function refuse(why, member)
  for _, record in ipairs(records) do
    if record.staging then redis.call('DEL', record.staging) end
  end
  return {why, member}
end

local held = lease and redis.call('GET', lease)
for _, record in ipairs(records) do
  local keys = record.keys
  -- MGET reads in one call what nearly always is there, but takes a wrong type for an absent value; STRLEN does not.
  local found = redis.call('MGET', keys.status, keys.connected_at, keys.info)
  if record.action ~= 'look' then
    for n, name in ipairs({keys.status, keys.connected_at, keys.info}) do
      if not found[n] then redis.call('STRLEN', name) end
    end
    if record.action == 'replace_empty' then
      record.list = redis.call('GETRANGE', keys.tools, 0, 127)
    else
      redis.call('STRLEN', keys.tools)
    end
  end
  record.found_status, record.found_at = found[1], found[2]
  record.found_revision, record.found_expires, record.found_latest = parse_head(found[3] or '')
end
