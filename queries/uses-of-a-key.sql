-- title: Uses of one key
-- description: Every logged operation on one key, newest first: who, from where, through what, and how it was
--   judged. Takes the key's canonical name as `key_id` shows it.
-- param key text required: the key's canonical name
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment
-- param until timestamp default now: the moment after the last
-- param function text default '': only this function, or all where empty
-- param rows integer default 1000: the most rows to return
-- reads: events
-- columns: event_time, principal, session_name, function, action, outcome, via, algorithm, context_keys, key_version,
--   source_ip, verdict, violations, waived, catalog_id, event_id, source
SELECT event_time, principal, session_name, function, action, outcome, via, algorithm, context_keys, key_version,
       source_ip, verdict, violations, waived, catalog_id, event_id, source
FROM events
WHERE key_id = $key
  AND event_time >= $from AND event_time < $until
  AND ($function = '' OR function = $function)
ORDER BY event_time DESC
LIMIT $rows
