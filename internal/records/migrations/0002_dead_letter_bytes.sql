-- How much room dead letters take, so that it can be said without reading them.

ALTER TABLE dead_letter_count ADD COLUMN bytes BIGINT NOT NULL DEFAULT 0;

UPDATE dead_letter_count SET bytes =
  (SELECT COALESCE(SUM(LENGTH(payload)), 0) FROM dead_letter WHERE dead_letter.reason = dead_letter_count.reason);
