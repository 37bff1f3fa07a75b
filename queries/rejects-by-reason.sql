-- title: Records that could not be read
-- description: Rejected records by source and reason. Rejects never stop a scan; many of one reason mean a new format,
--   a broken forwarder or somebody who tampers with the log.
-- reads: rejects
-- columns: source, reason, rejects
SELECT source, reason, count(*) AS rejects
FROM rejects
GROUP BY source, reason
ORDER BY rejects DESC, source
