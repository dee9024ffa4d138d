#!lua flags=allow-oom
-- Moves a session's records to a user, and their leases with them: the holder of a lease at the session gets the one at
-- the user, with a larger number, for a moment in which it may go on there. A note in the place of its old lease says so.
-- A managed record without a holder waits for one. It frees about as much memory as it takes.
--
-- KEYS  connections and servers of the user, connections and servers of the session; per member of the session: its
--       status, tools, connected_at and info at the user, its status, tools, connected_at, info and lease at the
--       session, its lease at the user, the indexes of managed connections (ZSET by when a lease runs out) that name it
--       at the session and at the user, the indexes of its registered server (SET) that do so (those before again
--       where there is none); per other member of the user: status, tools, connected_at, info.
-- ARGV  ttl, lifetime (0: no limit), the note, how long at most the lease at the user runs, the number of the session's
--       members; per member of the session: member, "move" or "keep", basis at the session (revision, status,
--       connected_at), basis at the user (the same three), new status, new connected_at ("": none), tail of :info,
--       "managed" (somebody is to manage it), "ended" (somebody has managed it) or "", the connection at the session
--       and at the user ("user:42:github", encoded), registered name of the server ("": none); the other members of
--       the user.
-- Answers {"ok"} or, having written nothing, {"conflict"} or {"members", member, …}: members of the user whose keys
--       have to be declared. Times are milliseconds.

-- include: parts/arguments.lua
-- include: parts/clock.lua
-- include: parts/info.lua
-- include: parts/lifetime.lua
-- include: parts/basis.lua
-- include: parts/members.lua
-- include: parts/renewal.lua
-- include: parts/index.lua
-- include: parts/lease.lua

local ttl, lifetime, note, grace, count = take(5)
grace = tonumber(grace)
ttl, lifetime, count = tonumber(ttl), tonumber(lifetime), tonumber(count)
local connections, servers, session_connections, session_servers = take_keys(4)

local function take_basis()
  local revision, status, connected_at = take(3)
  return {revision = revision, status = status, connected_at = connected_at}
end
local function take_session_keys()
  local status, tools, connected_at, info, lease = take_keys(5)
  return {status = status, tools = tools, connected_at = connected_at, info = info, lease = lease}
end
local function read_record(keys)
  local revision, _, latest = parse_head(call('GETRANGE', keys.info, 0, 127))
  call('STRLEN', keys.tools)
  local status, connected_at = call('GET', keys.status), call('GET', keys.connected_at)
  return {revision = revision, latest = latest, status = status, connected_at = connected_at}
end
local function take_leases(record)
  record.lease, record.managed_from, record.managed_to, record.owners_from, record.owners_to = take_keys(5)
  record.managed, record.name_from, record.name_to, record.registered = take(4)
  local found_number, holder = parse_lease(call('GET', record.from.lease))
  if found_number and not is_note(holder) then
    local left = call('PTTL', record.from.lease)
    record.number, record.holder = found_number, holder
    record.left = left > 0 and math.min(left, grace) or grace
  end
  record.user_number = parse_lease(call('GET', record.lease))
  if record.managed == '' then return end
  for _, index in ipairs({record.managed_from, record.managed_to}) do call('ZCARD', index) end
  if record.registered ~= '' then
    for _, index in ipairs({record.owners_from, record.owners_to}) do call('SISMEMBER', index, record.name_to) end
  end
end
local records, claimed = {}, {}
for i = 1, count do
  local record = {member = take(1)}
  record.to = declare(record.member)
  record.from = take_session_keys()
  record.action, record.session_basis, record.user_basis = take(1), take_basis(), take_basis()
  record.status, record.connected_at, record.tail = take(3)
  take_leases(record)
  record.at_session, record.at_user = read_record(record.from), read_record(record.to)
  claimed[record.member] = true
  records[i] = record
end
while has_arguments() do declare(take(1)) end

local found = call('SUNION', session_connections, session_servers)
call('SUNION', connections, servers)
local function holds(basis, record)
  return basis.revision == int(record.revision) and matches(basis.status, record.status) and
    matches(basis.connected_at, record.connected_at)
end
local function as_read()
  if #found ~= count then return false end
  for _, member in ipairs(found) do if not claimed[member] then return false end end
  for _, record in ipairs(records) do
    if not holds(record.session_basis, record.at_session) then return false end
    if not holds(record.user_basis, record.at_user) then return false end
  end
  return true
end
if not as_read() then return {'conflict'} end

local last, moved, plan = 0, {}, nil
for _, record in ipairs(records) do
  if record.action == 'move' then
    record.latest = latest_expiry(record.at_session.latest, lifetime)
    record.expires = limited(now + ttl, record.latest)
    last = math.max(last, record.expires)
    moved[#moved + 1] = record
  end
end
if last > 0 then plan = plan_renewal(connections, servers, last, ttl, moved) end
if #undeclared > 0 then return answer_members() end

local function put_lease(key, value_number, holder, registered, left)
  call('SET', key, lease_value(value_number, holder, registered), 'PX', int(left))
end
-- Answers when the lease at the user runs out; 0: there is none.
local function move_lease(record)
  if record.number then
    local next_number = int(math.max(tonumber(record.number), tonumber(record.user_number or 0)) + 1)
    put_lease(record.lease, next_number, record.holder, record.registered, record.left)
    put_lease(record.from.lease, record.number, note, '', record.left)
    return now + record.left
  end
  return record.user_number and now + math.max(call('PTTL', record.lease), 0) or 0
end
local function move_managed(record)
  if record.action == 'move' and record.managed == 'managed' then
    call('ZADD', record.managed_to, int(move_lease(record)), record.name_to)
    keep_index(record.managed_to, ttl)
    if record.registered ~= '' then
      call('SADD', record.owners_to, record.name_to)
      keep_index(record.owners_to, ttl)
    end
    if not record.number then call('UNLINK', record.from.lease) end
  else
    call('UNLINK', record.from.lease)
  end
  if record.managed == '' then return end
  call('ZREM', record.managed_from, record.name_from)
  if record.registered ~= '' then call('SREM', record.owners_from, record.name_from) end
end

for _, record in ipairs(records) do
  local from, to = record.from, record.to
  if record.action == 'move' then
    local expires = int(record.expires)
    local revision = later_revision(math.max(record.at_session.revision, record.at_user.revision))
    if call('EXISTS', from.tools) == 1 then
      call('RENAME', from.tools, to.tools)
      call('PEXPIREAT', to.tools, expires)
    else
      call('DEL', to.tools)
    end
    call('SET', to.status, record.status, 'PXAT', expires)
    if record.connected_at == '' then
      call('DEL', to.connected_at)
    else
      call('SET', to.connected_at, record.connected_at, 'PXAT', expires)
    end
    call('SET', to.info, '{"revision":' .. revision .. ',"expires_at":' .. expires .. ',"expires_latest":' ..
      int(record.latest) .. ',' .. record.tail, 'PXAT', expires)
    call('SADD', servers, record.member)
    call(record.status == 'CONNECTED' and 'SADD' or 'SREM', connections, record.member)
  end
  call('UNLINK', from.status, from.tools, from.connected_at, from.info)
  move_managed(record)
end
call('UNLINK', session_connections, session_servers)
renew(plan, servers, ttl)
return {'ok'}
