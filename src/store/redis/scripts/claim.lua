#!lua flags=allow-oom
-- Moves a session's records to a user. It frees about as much memory as it takes.
--
-- KEYS  connections and servers of the user, connections and servers of the session; per member of the session: its
--       status, tools, connected_at and info at the user, its status, tools, connected_at, info and lease at the
--       session; per other member of the user: status, tools, connected_at, info.
-- ARGV  ttl, lifetime (0: no limit), the number of the session's members; per member of the session: member, "move" or
--       "keep", basis at the session (revision, status, connected_at), basis at the user (the same three), new status,
--       new connected_at ("": none), tail of :info; the other members of the user.
-- Answers {"ok"} or, having written nothing, {"conflict"} or {"members", member, …}: members of the user whose keys
--       have to be declared. Times are milliseconds.

-- include: parts/arguments.lua
-- include: parts/clock.lua
-- include: parts/info.lua
-- include: parts/lifetime.lua
-- include: parts/basis.lua
-- include: parts/members.lua
-- include: parts/renewal.lua

local ttl, lifetime, count = take(3)
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
local records, claimed = {}, {}
for i = 1, count do
  local record = {member = take(1)}
  record.to = declare(record.member)
  record.from = take_session_keys()
  record.action, record.session_basis, record.user_basis = take(1), take_basis(), take_basis()
  record.status, record.connected_at, record.tail = take(3)
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
  call('UNLINK', from.status, from.tools, from.connected_at, from.info, from.lease)
end
call('UNLINK', session_connections, session_servers)
renew(plan, servers, ttl)
return {'ok'}
