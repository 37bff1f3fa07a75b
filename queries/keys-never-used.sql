-- title: Declared keys that were not used
-- description: Catalog entries of which no use was logged in the period. A key that nobody uses is a key that can be
--   suspended; an entry that matches no key at all may have a mistake in its names. Sources that are not connected
--   look the same: read it beside the coverage.
-- param from timestamp default now-90d: the first moment
-- param until timestamp default now: the moment after the last
-- reads: catalog, events
-- columns: catalog_id, purpose, use, owner, environment, criticality, state
SELECT declared.id AS catalog_id, declared.purpose, declared.use, declared.owner, declared.environment,
       declared.criticality, declared.state
FROM catalog AS declared
LEFT JOIN (
  SELECT catalog_id
  FROM events
  WHERE category = 'use'
    AND catalog_id IS NOT NULL
    AND outcome <> 'failed'
    AND event_time >= $from AND event_time < $until
  GROUP BY catalog_id
) AS used ON used.catalog_id = declared.id
WHERE used.catalog_id IS NULL
ORDER BY declared.criticality, declared.owner, declared.id
