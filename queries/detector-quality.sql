-- title: Which detectors are worth their pages
-- description: By detector, its alerts, how many of those that somebody judged were false, and the median time until
--   somebody acknowledged. An alert of several detectors counts for each of them.
-- reads: alerts
-- columns: detector, alerts, judged, judged_false, false_share, median_seconds_to_acknowledge
SELECT detector, alerts, judged, judged_false, false_share, median_seconds_to_acknowledge
FROM detector_quality
ORDER BY false_share DESC NULLS LAST, alerts DESC, detector
