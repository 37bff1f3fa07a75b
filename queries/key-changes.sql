-- title: Life of a key
-- description: What was done to keys, not with them: made, imported, rotated, tagged, disabled, deleted, exported.
--   The chain of evidence for activation, suspension, rotation and destruction (CEK-12 to CEK-17).
-- param key text default '': only this key, or all where empty
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment
-- param until timestamp default now: the moment after the last
-- reads: events
-- columns: event_time, key_id, catalog_id, action, function, outcome, principal, session_name, by_pipeline,
--   by_administrator, request, event_id
SELECT event_time, key_id, catalog_id, action, function, outcome, principal, session_name, by_pipeline,
       by_administrator, request, event_id
FROM events
WHERE category = 'key'
  AND event_time >= $from AND event_time < $until
  AND ($key = '' OR key_id = $key)
ORDER BY event_time DESC
