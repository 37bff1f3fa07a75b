-- title: Keys used by people
-- description: Uses of keys by callers that are people, with the rule that told so. Production keys for workloads
--   should not be here, apart from break-glass.
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment
-- param until timestamp default now: the moment after the last
-- param environment text default '': only keys of this environment, or all where empty
-- reads: events
-- columns: key_id, catalog_id, environment, principal, caller_rule, function, uses, without_mfa, first_use, last_use
SELECT key_id, catalog_id, environment, principal, caller_rule, function,
       count(*) AS uses,
       count(*) FILTER (WHERE mfa IS DISTINCT FROM true) AS without_mfa,
       min(event_time) AS first_use,
       max(event_time) AS last_use
FROM events
WHERE caller_kind = 'human'
  AND category = 'use'
  AND outcome <> 'failed'
  AND event_time >= $from AND event_time < $until
  AND corrects IS NULL
  AND ($environment = '' OR environment = $environment)
GROUP BY key_id, catalog_id, environment, principal, caller_rule, function
ORDER BY uses DESC, key_id, principal
