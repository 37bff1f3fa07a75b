-- title: Spans that were not read
-- description: What was lost before it was read, dropped by a full spool, or passed while nobody read. "Nothing
--   found" does not hold for these: read every other answer beside this one.
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment
-- param to timestamp default 2100-01-01T00:00:00Z: the first moment that does not count any more
-- reads: coverage
-- columns: source, partition, kind, from_time, to_time, from_position, to_position, events, reason
SELECT source, partition, kind, from_time, to_time, from_position, to_position, events, reason
FROM coverage
WHERE kind <> 'read'
  AND coalesce(from_time, noted_at) < $to
  AND coalesce(to_time, noted_at) >= $from
ORDER BY from_time, source, partition
