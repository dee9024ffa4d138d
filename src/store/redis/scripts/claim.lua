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

local ttl, lifetime, count = number(), number(), number()
local connections, servers, session_connections, session_servers = key(), key(), key(), key()

local function take_basis() return {revision = argument(), status = argument(), connected_at = argument()} end
local function read_record(keys)
  local revision, _, latest = parse_head(redis.call('GETRANGE', keys.info, 0, 127))
  redis.call('STRLEN', keys.tools)
  local status, connected_at = redis.call('GET', keys.status), redis.call('GET', keys.connected_at)
  return {revision = revision, latest = latest, status = status, connected_at = connected_at}
end
local records, claimed = {}, {}
for i = 1, count do
  local record = {member = argument()}
  record.to = declare(record.member)
  record.from = {status = key(), tools = key(), connected_at = key(), info = key(), lease = key()}
  record.action, record.session_basis, record.user_basis = argument(), take_basis(), take_basis()
  record.status, record.connected_at, record.tail = argument(), argument(), argument()
  record.at_session, record.at_user = read_record(record.from), read_record(record.to)
  claimed[record.member] = true
  records[i] = record
end
while has_arguments() do declare(argument()) end

local found = redis.call('SUNION', session_connections, session_servers)
redis.call('SUNION', connections, servers)
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

local last, written, plan = 0, {}, nil
for _, record in ipairs(records) do
  if record.action == 'move' then
    record.latest = latest_expiry(record.at_session.latest, lifetime)
    record.expires = limited(now + ttl, record.latest)
    last = math.max(last, record.expires)
    written[record.member] = true
  end
end
if last > 0 then plan = plan_renewal(connections, servers, last, ttl, written) end
if #undeclared > 0 then return answer_members() end

for _, record in ipairs(records) do
  local from, to = record.from, record.to
  if record.action == 'move' then
    local expires = int(record.expires)
    local revision = int(math.max(record.at_session.revision + 1, record.at_user.revision + 1, now_us))
    if redis.call('EXISTS', from.tools) == 1 then
      redis.call('RENAME', from.tools, to.tools)
      redis.call('PEXPIREAT', to.tools, expires)
    else
      redis.call('DEL', to.tools)
    end
    redis.call('SET', to.status, record.status, 'PXAT', expires)
    if record.connected_at == '' then
      redis.call('DEL', to.connected_at)
    else
      redis.call('SET', to.connected_at, record.connected_at, 'PXAT', expires)
    end
    redis.call('SET', to.info, '{"revision":' .. revision .. ',"expires_at":' .. expires .. ',"expires_latest":' ..
      int(record.latest) .. ',' .. record.tail, 'PXAT', expires)
    redis.call('SADD', servers, record.member)
    redis.call(record.status == 'CONNECTED' and 'SADD' or 'SREM', connections, record.member)
  end
  redis.call('UNLINK', from.status, from.tools, from.connected_at, from.info, from.lease)
end
redis.call('UNLINK', session_connections, session_servers)
if plan then renew(plan, servers, ttl) end
return {'ok'}
