-- title: Alerts that nobody has resolved, the oldest first
-- description: Every alert that is open, with how long it has been and whether somebody looks at it. Alerts that a
--   campaign, a digest or another alert speaks for are left out.
-- param level text default '': only those of this level, or all where empty
-- reads: alerts
-- columns: alert_id, level, state, hours_open, findings, assignee, acknowledged_by, title, key_id, principal
SELECT alert_id, level, state,
       round(CAST(date_part('epoch', now()) - date_part('epoch', opened_at) AS DOUBLE) / 3600, 1) AS hours_open,
       findings, assignee, acknowledged_by, title, key_id, principal
FROM alerts
WHERE state <> 'resolved'
  AND folded_into IS NULL AND merged_into IS NULL
  AND ($level = '' OR level = $level)
ORDER BY opened_at, alert_id
