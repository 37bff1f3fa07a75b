-- title: Use by responsible party
-- description: The shared-responsibility view of the AI Controls Matrix: which uses of keys fall to the cloud
--   provider (csp), model provider (mp), orchestrated-service provider (osp), application provider (ap) or customer
--   (aic), as the catalog declares them, and how they were judged. A key of two parties stands under both names.
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment
-- param until timestamp default now: the moment after the last
-- reads: events
-- columns: responsibility, keys, uses, conforming, violations, unknown, undeclared
WITH per_key AS (
  SELECT responsibility, key_id, verdict, count(*) AS uses
  FROM events
  WHERE category = 'use'
    AND verdict <> 'not_applicable'
    AND event_time >= $from AND event_time < $until
    AND corrects IS NULL
  GROUP BY responsibility, key_id, verdict
)
SELECT coalesce(responsibility, 'not declared') AS responsibility,
       count(DISTINCT key_id) AS keys,
       sum(uses) AS uses,
       sum(CASE WHEN verdict = 'conforming' THEN uses ELSE 0 END) AS conforming,
       sum(CASE WHEN verdict = 'violation' THEN uses ELSE 0 END) AS violations,
       sum(CASE WHEN verdict = 'unknown' THEN uses ELSE 0 END) AS unknown,
       sum(CASE WHEN verdict = 'undeclared' THEN uses ELSE 0 END) AS undeclared
FROM per_key
GROUP BY coalesce(responsibility, 'not declared')
ORDER BY uses DESC
