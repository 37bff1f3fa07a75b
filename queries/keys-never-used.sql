-- title: Declared keys that were not used
-- description: Catalog entries of which no use was logged in the period, with the names that they declare. A key that
--   nobody uses can be suspended; an entry whose names match no key may have a mistake in them. Sources that are not
--   connected look the same: read it beside the coverage. Classes are left out, they declare no key by name.
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment
-- param until timestamp default now: the moment after the last
-- reads: catalog, events
-- columns: catalog_id, purpose, use, owner, environment, criticality, state, names
SELECT declared.id AS catalog_id, declared.purpose, declared.use, declared.owner, declared.environment,
       declared.criticality, declared.state,
       string_agg(declared.key, ', ') AS names
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
  AND declared.kind <> 'class'
GROUP BY declared.id, declared.purpose, declared.use, declared.owner, declared.environment, declared.criticality,
         declared.state
ORDER BY declared.criticality, declared.owner, declared.id
