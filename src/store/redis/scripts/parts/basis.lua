-- A basis says what the caller has read: '+' and the bytes of the value, or '-' where there was none.
local function matches(expected, found)
  if found then return expected == '+' .. found end
  return expected == '-'
end
