-- Dead letters are bounded. What made room is counted, by reason.

ALTER TABLE dead_letter_count ADD COLUMN dropped BIGINT NOT NULL DEFAULT 0; -- letters
ALTER TABLE dead_letter_count ADD COLUMN emptied BIGINT NOT NULL DEFAULT 0; -- payloads of letters that stayed

CREATE INDEX dead_letter_sender ON dead_letter (device, reason, number);
