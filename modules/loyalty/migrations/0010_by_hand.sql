-- What one person changed by hand without a second person, on one day of a programme's zone (days since 1970): points
-- either way. Raised by one conditional statement, so that parts of an adjustment are held to the bound of the whole.
CREATE TABLE loyalty_hand_sums (
    org_id       BIGINT NOT NULL,
    programme_id UUID   NOT NULL,
    user_id      UUID   NOT NULL,
    day          BIGINT NOT NULL,
    points       BIGINT NOT NULL CHECK (points >= 0),
    PRIMARY KEY (org_id, programme_id, user_id, day)
);
-- Reservations that were given up, to be forgotten after a while.
CREATE INDEX loyalty_reservations_given_up ON loyalty_reservations (org_id, ended_at, id)
    WHERE state IN ('cancelled', 'timed_out');
