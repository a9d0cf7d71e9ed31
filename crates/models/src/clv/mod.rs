//! Lifetime value: who is still a customer, how often they will buy, and for how much.
