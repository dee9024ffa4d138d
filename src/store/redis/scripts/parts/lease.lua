-- The value of a lease: "NUMBER LENGTH HOLDER REGISTERED", LENGTH that of HOLDER in bytes, so that no other value
-- begins as it does up to the end of HOLDER. Answers number, holder, registered; nothing where another program left
-- something else.
local function parse_lease(value)
  local lease_number, size, at = string.match(value or '', '^(%d+) (%d+) ()')
  if not lease_number or #lease_number > 16 or #value < at + size - 1 then return end
  return lease_number, string.sub(value, at, at + size - 1), string.sub(value, at + size + 1)
end
local function lease_value(lease_number, holder, registered)
  return lease_number .. ' ' .. #holder .. ' ' .. holder .. ' ' .. registered
end
-- Whether the value says where a claim has moved the connection. It is the lease of nobody.
local function is_note(holder) return string.sub(holder, 1, 8) == 'claimed=' end
