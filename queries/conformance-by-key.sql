-- title: Conformance by key
-- description: For each declared key how its uses were judged, and the share that is shown to conform. Unknown is
--   never counted as a pass. This is the table that answers CEK-11.1 for a period, within the stated coverage.
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment
-- param until timestamp default now: the moment after the last
-- reads: events, catalog
-- columns: catalog_id, use, owner, criticality, uses, conforming, waived, violations, unknown, conforming_percent
WITH judged AS (
  SELECT catalog_id,
         count(*) AS uses,
         count(*) FILTER (WHERE verdict = 'conforming') AS conforming,
         count(exception_id) AS waived,
         count(*) FILTER (WHERE verdict = 'violation') AS violations,
         count(*) FILTER (WHERE verdict = 'unknown') AS unknown
  FROM events
  WHERE category = 'use'
    AND catalog_id IS NOT NULL
    AND outcome <> 'failed'
    AND event_time >= $from AND event_time < $until
    AND corrects IS NULL
  GROUP BY catalog_id
), declared AS (
  SELECT id, max(use) AS use, max(owner) AS owner, max(criticality) AS criticality
  FROM catalog
  GROUP BY id
)
SELECT catalog_id, declared.use, declared.owner, declared.criticality, uses, conforming, waived, violations, unknown,
       CAST(100.0 * conforming / uses AS DECIMAL(5, 2)) AS conforming_percent
FROM judged
LEFT JOIN declared ON declared.id = judged.catalog_id
ORDER BY violations DESC, unknown DESC, catalog_id
