-- title: Conformance by key
-- description: For each declared key how its uses were judged, and the share that is shown to conform. Unknown is
--   never counted as a pass. This is the table that answers CEK-11.1 for a period, within the stated coverage.
-- param from timestamp default now-30d: the first moment
-- param until timestamp default now: the moment after the last
-- reads: events
-- columns: catalog_id, use, owner, criticality, uses, conforming, waived, violations, unknown, conforming_percent
SELECT catalog_id, use, owner, criticality,
       count(*) AS uses,
       sum(CASE WHEN verdict = 'conforming' THEN 1 ELSE 0 END) AS conforming,
       sum(CASE WHEN exception_id IS NULL THEN 0 ELSE 1 END) AS waived,
       sum(CASE WHEN verdict = 'violation' THEN 1 ELSE 0 END) AS violations,
       sum(CASE WHEN verdict = 'unknown' THEN 1 ELSE 0 END) AS unknown,
       round(100.0 * sum(CASE WHEN verdict = 'conforming' THEN 1 ELSE 0 END) / count(*), 2) AS conforming_percent
FROM events
WHERE category = 'use'
  AND catalog_id IS NOT NULL
  AND outcome <> 'failed'
  AND event_time >= $from AND event_time < $until
  AND corrects IS NULL
GROUP BY catalog_id, use, owner, criticality
ORDER BY violations DESC, unknown DESC, catalog_id
