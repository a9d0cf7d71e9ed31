-- Everything the customer engine reads of orders, so that it need not read their wide rows; and the
-- orders that still want work, which are few however old the shop is.
DROP INDEX commerce_orders_customer;
CREATE INDEX commerce_orders_customer ON commerce_orders (org_id, customer_id, ordered_at, revenue_minor, shop_number);
CREATE INDEX commerce_orders_running ON commerce_orders (org_id, state, ordered_at, id) WHERE state < 4;
