#!lua flags=allow-oom
-- Renews the expiry of one record of an owner, or of all.
--
-- KEYS  connections, servers; per member: status, tools, connected_at, info.
-- ARGV  ttl, lifetime (0: no limit), "one" (the first member that follows) or "all" (every member of the sets); the
--       members.
-- Answers {"ok", number of records renewed} or, having written nothing, {"members", member, …}: further members whose
--       keys have to be declared. Times are milliseconds.

-- include: parts/arguments.lua
-- include: parts/clock.lua
-- include: parts/info.lua
-- include: parts/lifetime.lua
-- include: parts/members.lua
-- include: parts/renewal.lua

local ttl, lifetime, scope = take(3)
local connections, servers = take_keys(2)
ttl, lifetime = tonumber(ttl), tonumber(lifetime)
local members = {}
while has_arguments() do members[#members + 1] = declare(take(1)).member end
if scope == 'all' then members = call('SUNION', connections, servers) else members = {members[1]} end

local records, last = {}, 0
for _, member in ipairs(members) do
  local keys = keys_of(member)
  if keys then
    local record = {member = member, keys = keys}
    record.head = call('GETRANGE', keys.info, 0, 127)
    local _, expires, found_latest, position, width = parse_head(record.head)
    if call('EXISTS', keys.status, keys.info) > 0 then
      record.latest = latest_expiry(found_latest, lifetime)
      record.expires = limited(now + ttl, record.latest)
      record.shown = limited(math.max(now + ttl, expires), record.latest)
      record.position, record.width = position, width
      record.stale = position and (expires ~= record.shown or found_latest ~= record.latest)
      record.same_latest = found_latest == record.latest
      last = math.max(last, record.expires)
      record.late = {}
      for _, name in ipairs({keys.status, keys.tools, keys.connected_at, keys.info}) do
        local left = call('PTTL', name)
        local beyond = record.latest > 0 and now + left > record.latest
        if left == -1 or (left >= 0 and (beyond or now + left < record.expires)) then
          record.late[#record.late + 1] = name
        end
        if left > 0 then last = math.max(last, now + left) end
      end
      records[#records + 1] = record
    end
  end
end
local plan = #records > 0 and plan_renewal(connections, servers, last, ttl, records)
if #undeclared > 0 then return answer_members() end

for _, record in ipairs(records) do
  local info = record.keys.info
  for _, name in ipairs(record.late) do call('PEXPIREAT', name, int(record.expires)) end
  if record.stale then
    local digits = int(record.shown)
    if #digits == record.width and record.same_latest then
      call('SETRANGE', info, record.position - 1, digits)
    else
      local _, past = string.find(record.head, '"expires_latest":%d+,')
      local whole = call('GET', info)
      call('SET', info, string.sub(whole, 1, record.position - 1) .. digits .. ',"expires_latest":' ..
        int(record.latest) .. string.sub(whole, past), 'KEEPTTL')
    end
  end
  call('SADD', servers, record.member)
end
renew(plan, servers, ttl)
return {'ok', #records}
