#!lua
-- The first half of a claim on a cluster, at the user: copies records of a session, and notes that those of the session
-- are to be removed (claim_release.lua). The holder of a lease at the session gets the one at the user, with a larger
-- number, for a moment in which it may go on there.
--
-- KEYS  connections and servers of the user, the intent (HASH by member: revision at the session, revision at the user),
--       index of managed connections (ZSET by when a lease runs out); per member of the session: its status, tools,
--       connected_at, info, staged tools (the tools key again where there are none), lease, owners of its registered
--       server (SET; the index again where there is none); per other member of the user: status, tools, connected_at,
--       info.
-- ARGV  ttl, lifetime (0: no limit), the claim as the index names it, how long until others end it, number of the
--       session's members; per member: member, "move" or "keep" (it is only compared), basis at the user (revision,
--       status, connected_at), revision and latest expiry at the session, new status, new connected_at ("": none), tail
--       of :info, holder of the lease at the session ("": none), number of that lease, how long it runs at the user, the
--       connection as the index names it ("": nobody is to manage it), registered name of the server ("": none); the
--       other members of the user.
-- Answers {"ok", revision, …}: those of the records that moved; or, having written nothing, {"conflict"}, {"staging"} (a
--       staged value is gone) or {"members", member, …}. Times are milliseconds.

-- include: parts/arguments.lua
-- include: parts/clock.lua
-- include: parts/info.lua
-- include: parts/lifetime.lua
-- include: parts/basis.lua
-- include: parts/members.lua
-- include: parts/renewal.lua
-- include: parts/index.lua
-- include: parts/lease.lua

local ttl, lifetime, entry, due, count = take(5)
local connections, servers, intent, managed = take_keys(4)
ttl, lifetime, due = tonumber(ttl), tonumber(lifetime), tonumber(due)

local records = {}
for i = 1, tonumber(count) do
  local record = {member = take(1)}
  record.to = declare(record.member)
  record.staging, record.lease, record.owners = take_keys(3)
  record.action, record.basis_revision, record.basis_status, record.basis_at = take(4)
  record.session_revision, record.session_latest = take(2)
  record.status, record.connected_at, record.tail = take(3)
  record.holder, record.number, record.left, record.name, record.registered = take(5)
  records[i] = record
end
while has_arguments() do declare(take(1)) end

local function refuse(why)
  for _, record in ipairs(records) do
    if record.staging ~= record.to.tools then call('DEL', record.staging) end
  end
  return {why}
end

-- A key of a wrong type raises here, before anything is written.
call('HLEN', intent)
call('ZCARD', managed)
local last, moved = 0, {}
for _, record in ipairs(records) do
  local to = record.to
  local revision = parse_head(call('GETRANGE', to.info, 0, 127))
  call('STRLEN', to.tools)
  local holds = record.basis_revision == int(revision) and matches(record.basis_status, call('GET', to.status)) and
    matches(record.basis_at, call('GET', to.connected_at))
  if not holds then return refuse('conflict') end
  if record.action == 'move' then
    record.found_revision = revision
    record.user_number = parse_lease(call('GET', record.lease))
    if record.owners ~= managed then call('SISMEMBER', record.owners, record.name) end
    record.latest = latest_expiry(tonumber(record.session_latest), lifetime)
    record.expires = limited(now + ttl, record.latest)
    last = math.max(last, record.expires)
    moved[#moved + 1] = record
  end
end
if #moved == 0 then return {'ok'} end
local plan = plan_renewal(connections, servers, last, ttl, moved)
if #undeclared > 0 then return answer_members() end
for _, record in ipairs(moved) do
  if record.staging ~= record.to.tools and call('EXISTS', record.staging) == 0 then return refuse('staging') end
end

-- Answers when the lease at the user runs out; 0: there is none.
local function give_lease(record)
  if record.holder == '' then
    return record.user_number and now + math.max(call('PTTL', record.lease), 0) or 0
  end
  local next_number = int(math.max(tonumber(record.number), tonumber(record.user_number or 0)) + 1)
  call('SET', record.lease, lease_value(next_number, record.holder, record.registered), 'PX', record.left)
  return now + tonumber(record.left)
end

local answer = {'ok'}
for _, record in ipairs(moved) do
  local to, expires = record.to, int(record.expires)
  local revision = later_revision(math.max(tonumber(record.session_revision), record.found_revision))
  if record.staging ~= to.tools then
    call('RENAME', record.staging, to.tools)
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
  if record.name ~= '' then
    call('ZADD', managed, int(give_lease(record)), record.name)
    if record.owners ~= managed then
      call('SADD', record.owners, record.name)
      keep_index(record.owners, ttl)
    end
  end
  call('HSET', intent, record.member, record.session_revision .. ' ' .. revision)
  answer[#answer + 1] = revision
end
call('PEXPIREAT', intent, int(now + ttl))
call('ZADD', managed, int(now + due), entry)
keep_index(managed, ttl)
renew(plan, servers, ttl)
return answer
