-- The expiry of an owner's two sets. A set outlives its longest member by half a ttl or more, because a foreign program
-- adds members and renews nothing. A set that comes near its end is compared with all its members first: a foreign
-- program may have renewed their keys.
--
-- A foreign program writes members and keys without an expiry, and does not know :servers. Its records get an expiry
-- and a place in :servers here. A member without a status may be half written, and does not get that place.
--
-- A script plans the renewal before its first write and carries it out after its last.

-- last: when the last of the records that the script writes expires; written: the names of these records.
local function plan_renewal(connections, servers, last, ttl, written)
  local plan = {longest = last, expire = {}, adopt = {}, sets = {}}
  local adopted = {}
  local function adopt(member)
    if adopted[member] or written[member] then return end
    adopted[member] = true
    local keys = keys_of(member)
    if not keys then return end
    for _, field in ipairs(fields) do
      local left = redis.call('PTTL', keys[field])
      if left == -1 then
        plan.expire[#plan.expire + 1] = keys[field]
        left = ttl
      end
      if left > 0 then plan.longest = math.max(plan.longest, now + left) end
    end
    if redis.call('EXISTS', keys.status) == 1 then plan.adopt[#plan.adopt + 1] = member end
  end

  local foreign = redis.call('SDIFF', connections, servers)
  local left_of = {[connections] = redis.call('PTTL', connections), [servers] = redis.call('PTTL', servers)}
  if left_of[connections] == -1 then foreign = redis.call('SMEMBERS', connections) end
  for _, member in ipairs(foreign) do adopt(member) end
  for _, set in ipairs({connections, servers}) do
    local left = left_of[set]
    local ends_early = left == -1 or (left >= 0 and now + left < plan.longest + ttl / 2)
    for _, member in ipairs(ends_early and redis.call('SMEMBERS', set) or {}) do
      local keys = not written[member] and keys_of(member)
      local lives = keys and redis.call('PTTL', keys.status) or -2
      if lives == -1 then adopt(member) end
      if lives > 0 then plan.longest = math.max(plan.longest, now + lives) end
    end
    -- A set that is not there may be made by this script.
    if ends_early or left == -2 then plan.sets[#plan.sets + 1] = set end
  end
  return plan
end

local function renew(plan, servers, ttl)
  for _, name in ipairs(plan.expire) do redis.call('PEXPIREAT', name, int(now + ttl)) end
  for _, member in ipairs(plan.adopt) do redis.call('SADD', servers, member) end
  for _, set in ipairs(plan.sets) do redis.call('PEXPIREAT', set, int(plan.longest + ttl)) end
end
