-- A write under a lease: the key of the lease is there for as long as the lease runs.
if lease then
  if not held or string.sub(held, 1, #lease_start) ~= lease_start then return refuse('lease', records[1].member) end
end
for _, record in ipairs(records) do
  if int(record.found_revision) ~= record.revision or not matches(record.expected_status, record.found_status) or
     not matches(record.expected_at, record.found_at) then
    return refuse('conflict', record.member)
  end
end
