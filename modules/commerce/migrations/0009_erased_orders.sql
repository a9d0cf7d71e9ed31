-- Orders whose buyers were erased: their books are closed, so that no later file brings the data back.
CREATE TABLE commerce_erased_orders (
    org_id   BIGINT NOT NULL,
    order_id UUID   NOT NULL,
    PRIMARY KEY (org_id, order_id)
) /*sqlite WITHOUT ROWID*/;
