-- A basis says what the caller has read: '+' and the first bytes of the value, which are all bytes of any good value, or
-- '-' where there was none.
local function matches(expected, found)
  if found then return expected == '+' .. string.sub(found, 1, 128) end
  return expected == '-'
end
-- The revision behind the one that was found. Where it could not be read, the revisions begin anew from the clock.
local function later_revision(found) return int(found + 1 < 2^53 and math.max(found + 1, now_us) or now_us) end
