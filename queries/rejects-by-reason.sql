-- title: Records that could not be read
-- description: Rejected records by source and reason, with when they came and an example of what was wrong. Rejects
--   never stop a scan; many of one reason mean a new format, a broken forwarder or somebody who tampers with the log.
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment of reading
-- param until timestamp default now: the moment after the last
-- reads: rejects
-- columns: source, reason, rejects, example, first_read, last_read
SELECT source, reason,
       count(*) AS rejects,
       min(detail) AS example,
       min(ingested_at) AS first_read,
       max(ingested_at) AS last_read
FROM rejects
WHERE ingested_at >= $from AND ingested_at < $until
GROUP BY source, reason
ORDER BY rejects DESC, source
