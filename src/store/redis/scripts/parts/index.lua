-- An index outlives its last use by a ttl at least. It is renewed for longer than that, so that few uses have to renew
-- it.
local function keep_index(index, ttl)
  local left = call('PTTL', index)
  if left ~= -2 and left < ttl then call('PEXPIREAT', index, int(now + ttl * 1.25)) end
end
