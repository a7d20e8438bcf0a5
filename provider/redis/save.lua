-- Stores a value under KEYS[1], or deletes what is there, if the version allows it.
--
-- ARGV[1]  the value; "" to delete
-- ARGV[2]  what the stored value must begin with, up to its version; "" if there must
--          be no record, "any" for any or none
-- ARGV[3]  when the value expires, for PXAT; "" for never
--
-- Returns 1 if that is done, also if an earlier attempt has done it; else the value that
-- stands in the way, be it a record or not, or nil if there is none.
--
-- Versions are bytes here: as numbers they would be doubles, exact only to 2^53.

local key, value, expect, expires = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local magic = '\245HF\1' -- what every value begins with; its version follows, in 8 bytes

local head = redis.pcall('GETRANGE', key, 0, 11)
if head ~= expect or #head < 12 then
	if type(head) == 'table' then
		return head -- WRONGTYPE
	end
	local none = head == '' and redis.call('EXISTS', key) == 0
	local record = #head == 12 and string.sub(head, 1, 4) == magic
	if expect ~= 'any' and record and head == string.sub(value, 1, 12) then
		return 1
	end
	if not (none and expect == '' or (none or record) and expect == 'any') then
		-- Not GET: a replica would answer that, and may be behind.
		return redis.pcall('GETEX', key)
	end
end

local done
if value == '' then
	done = redis.pcall('DEL', key)
elseif expires == '' then
	done = redis.pcall('SET', key, value)
else
	done = redis.pcall('SET', key, value, 'PXAT', expires)
end
if type(done) == 'table' and done.err then
	return done -- OOM, READONLY
end
return 1
