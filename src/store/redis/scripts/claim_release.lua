#!lua flags=allow-oom
-- The second half of a claim on a cluster, at the session: removes the records that are as the claim has read them, which
-- the user has by now. A note in the place of a lease tells its holder where to go on.
--
-- KEYS  connections and servers of the session, index of managed connections (ZSET by when a lease runs out); per member:
--       its status, tools, connected_at, info, lease, owners of its registered server (SET; the index again where there is
--       none).
-- ARGV  the note, how long it stays at most, number of the members; per member: member, basis (revision, status,
--       connected_at), the connection as the indexes name it ("": nobody has managed it), "note" where the user has the
--       lease of its holder, else "".
-- Answers {"ok", member, …}: the members that have changed and stay. Times are milliseconds.

-- include: parts/arguments.lua
-- include: parts/clock.lua
-- include: parts/info.lua
-- include: parts/basis.lua
-- include: parts/lease.lua

local note, grace, count = take(3)
local connections, servers, managed = take_keys(3)
grace = tonumber(grace)

-- A key of a wrong type raises here, before anything is written.
call('SCARD', connections)
call('SCARD', servers)
call('ZCARD', managed)
local released, answer = {}, {'ok'}
for _ = 1, tonumber(count) do
  local record = {}
  record.status, record.tools, record.connected_at, record.info, record.lease, record.owners = take_keys(6)
  record.member, record.revision, record.found_status, record.found_at, record.name, record.note = take(6)
  local revision = parse_head(call('GETRANGE', record.info, 0, 127))
  call('STRLEN', record.tools)
  local holds = record.revision == int(revision) and matches(record.found_status, call('GET', record.status)) and
    matches(record.found_at, call('GET', record.connected_at))
  record.number, record.holder = parse_lease(call('GET', record.lease))
  if record.owners ~= managed then call('SISMEMBER', record.owners, record.name) end
  if holds then released[#released + 1] = record else answer[#answer + 1] = record.member end
end

for _, record in ipairs(released) do
  call('UNLINK', record.status, record.tools, record.connected_at, record.info)
  if record.note ~= '' and record.number and not is_note(record.holder) then
    local left = call('PTTL', record.lease)
    call('SET', record.lease, lease_value(record.number, note, ''), 'PX', int(left > 0 and math.min(left, grace) or grace))
  else
    call('UNLINK', record.lease)
  end
  if record.name ~= '' then
    call('ZREM', managed, record.name)
    if record.owners ~= managed then call('SREM', record.owners, record.name) end
  end
  call('SREM', connections, record.member)
  call('SREM', servers, record.member)
end
return answer
