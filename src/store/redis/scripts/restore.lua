#!lua
-- Writes records of one owner as they were in another store or in a backup, all that are to be written or none.
--
-- KEYS  connections, servers; per record: status, tools, connected_at, info, and the key of the staged tools (the tools
--       key again where there are none); per other member: status, tools, connected_at, info.
-- ARGV  ttl, "newer" (a record that is there stays unless its revision is lower) or "replace", the number of records; per
--       record: member, revision (0: the next one), status, connected_at ("": none), when it expires (0: as a new
--       record), when at the latest (0: no limit), tail of :info; the other members.
-- Answers {"ok", outcome, outcome, …} ("written", "present", "expired"), or, having written nothing: {"staging", member}
--       (the staged value is gone), or {"members", member, …} (other members whose keys have to be declared; what is
--       staged stays there). Times are milliseconds.

-- include: parts/arguments.lua
-- include: parts/clock.lua
-- include: parts/info.lua
-- include: parts/lifetime.lua
-- include: parts/basis.lua
-- include: parts/members.lua
-- include: parts/renewal.lua

local ttl, rule, count = take(3)
local connections, servers = take_keys(2)
ttl = tonumber(ttl)
local records = {}
for i = 1, tonumber(count) do
  local member, revision, status, connected_at, expires, latest, tail = take(7)
  local keys, staging = declare(member), take_keys(1)
  records[i] = {
    member = member, keys = keys, staging = staging ~= keys.tools and staging, revision = tonumber(revision),
    status = status, connected_at = connected_at, expires = tonumber(expires), latest = tonumber(latest), tail = tail}
end
while has_arguments() do declare(take(1)) end

-- What is there of a record: whether anything is, and its revision. A key of a wrong type raises here, before anything
-- is written.
local function look(keys)
  if call('EXISTS', keys.status, keys.tools, keys.connected_at, keys.info) == 0 then return false, 0 end
  call('STRLEN', keys.tools)
  call('STRLEN', keys.connected_at)
  local info = call('GETRANGE', keys.info, 0, 127)
  local found = parse_head(info)
  return call('STRLEN', keys.status) > 0 or info ~= '', found
end

local answer, written, last = {'ok'}, {}, 0
for _, record in ipairs(records) do
  local there, found = look(record.keys)
  record.expires = limited(record.expires > 0 and record.expires or now + ttl, record.latest)
  if there and rule == 'newer' and (found == 0 or found >= record.revision) then
    answer[#answer + 1] = 'present'
  elseif record.expires <= now then
    answer[#answer + 1] = 'expired'
  else
    answer[#answer + 1] = 'written'
    if record.revision <= found or record.revision == 0 then record.revision = later_revision(found) end
    last = math.max(last, record.expires)
    written[#written + 1] = record
  end
end
local plan = #written > 0 and plan_renewal(connections, servers, last, ttl, written)
if #undeclared > 0 then return answer_members() end

local staged = {}
for _, record in ipairs(written) do staged[#staged + 1] = record.staging or nil end
-- A staged value that is gone is found before the first write.
if #staged > 0 and call('EXISTS', unpack(staged)) < #staged then return {'staging', written[1].member} end

local all, up, down = {}, {}, {}
for _, record in ipairs(written) do
  local keys, expires = record.keys, int(record.expires)
  all[#all + 1] = record.member
  if record.status == 'CONNECTED' then up[#up + 1] = record.member else down[#down + 1] = record.member end
  call('SET', keys.status, record.status, 'PXAT', expires)
  if record.connected_at == '' then
    call('DEL', keys.connected_at)
  else
    call('SET', keys.connected_at, record.connected_at, 'PXAT', expires)
  end
  if record.staging then
    call('RENAME', record.staging, keys.tools)
    call('PEXPIREAT', keys.tools, expires)
    record.staging = false
  else
    call('DEL', keys.tools)
  end
  call('SET', keys.info, '{"revision":' .. int(record.revision) .. ',"expires_at":' .. expires .. ',"expires_latest":' ..
    int(record.latest) .. ',' .. record.tail, 'PXAT', expires)
end
if #all > 0 then call('SADD', servers, unpack(all)) end
if #up > 0 then call('SADD', connections, unpack(up)) end
if #down > 0 then call('SREM', connections, unpack(down)) end
renew(plan, servers, ttl)
for _, record in ipairs(records) do
  if record.staging then call('UNLINK', record.staging) end
end
return answer
