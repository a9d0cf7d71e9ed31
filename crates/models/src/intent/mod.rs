//! Purchase intent: who is about to buy, learned from who bought.
