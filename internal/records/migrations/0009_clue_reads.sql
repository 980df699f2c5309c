-- As what a clue was read; before, only the evidence behind signals was noted.

ALTER TABLE clue_read ADD COLUMN read_as TEXT NOT NULL DEFAULT 'signal';

-- What people wrote is sealed from now on. That an open note of before is sealed is the one change that an act allows.

ALTER TABLE clue_act ADD COLUMN sealed BLOB NOT NULL DEFAULT x'';

DROP TRIGGER clue_act_changed;

CREATE TRIGGER clue_act_changed BEFORE UPDATE ON clue_act
  WHEN NOT (OLD.note <> '' AND NEW.note = '' AND length(OLD.sealed) = 0 AND length(NEW.sealed) > 0 AND NEW.id = OLD.id AND NEW.clue = OLD.clue
    AND NEW.number = OLD.number AND NEW.act = OLD.act AND NEW.account = OLD.account AND NEW.at = OLD.at AND NEW.recorded_at = OLD.recorded_at
    AND NEW.reason = OLD.reason)
  BEGIN SELECT RAISE(ABORT, 'what a person did is never changed'); END;
