-- title: What one caller did
-- description: Every key event of one caller: keys, functions, outcomes, sessions and addresses, with counts, what
--   was done last first. The first question when a credential may be stolen.
-- param principal text required: the caller's canonical name
-- param from timestamp default 2000-01-01T00:00:00Z: the first moment
-- param until timestamp default now: the moment after the last
-- param rows integer default 1000: the most rows to return
-- reads: events
-- columns: category, action, function, key_id, catalog_id, outcome, verdict, session_name, source_ip, user_agent, events,
--   first_time, last_time
SELECT category, action, function, key_id, catalog_id, outcome, verdict, session_name, source_ip, user_agent,
       count(*) AS events,
       min(event_time) AS first_time,
       max(event_time) AS last_time
FROM events
WHERE principal = $principal
  AND event_time >= $from AND event_time < $until
  AND corrects IS NULL
GROUP BY category, action, function, key_id, catalog_id, outcome, verdict, session_name, source_ip, user_agent
ORDER BY last_time DESC, action
LIMIT $rows
