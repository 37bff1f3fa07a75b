-- title: Emergency access that was used, and its review
-- description: Each break-glass exception by caller and day: what was done under it, and whether somebody has looked at
--   it. The review is the resolution of the alert; it is overdue 72 hours after the first use.
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment
-- param until timestamp default now: the moment after the last
-- reads: events, alerts
-- columns: exception_id, catalog_id, key_id, principal, session_name, functions, uses, first_use, last_use, alert_id, review, reviewed_by, overdue
SELECT used.exception_id, used.catalog_id, used.key_id, used.principal, used.session_name, used.functions, used.uses,
       used.first_use, used.last_use, told.alert_id, coalesce(told.state, 'not told') AS review, told.resolved_by AS reviewed_by,
       coalesce(told.state, '') <> 'resolved' AND used.first_use < now() - INTERVAL '72' HOUR AS overdue
FROM (
    SELECT exception_id, catalog_id, key_id, principal, session_name,
           array_to_string(array_sort(array_agg(DISTINCT function)), ', ') AS functions,
           count(*) AS uses, min(event_time) AS first_use, max(event_time) AS last_use
    FROM events
    WHERE break_glass AND category = 'use' AND corrects IS NULL
      AND event_time >= $from AND event_time < $until
    GROUP BY exception_id, catalog_id, key_id, principal, session_name, date_trunc('day', event_time)
) AS used
LEFT JOIN alerts AS told
  ON array_has(told.detectors, 'KP-073') AND told.principal = used.principal
 AND (told.key_id IS NULL OR told.key_id = used.key_id)
 AND told.first_time <= used.last_use AND used.first_use <= told.last_time
ORDER BY used.first_use, used.exception_id, used.principal
