"""Codes of what a saga and its services say of records and runs: choices, preconditions, invariants, rules (D3 … F)."""

from __future__ import annotations

from sagac.compiler.codes.catalogue import Code

CODES: tuple[Code, ...] = (
    Code(
        "B6",
        "error",
        "an action can break an invariant, or leave a record that refers to nothing",
        """
An `invariant` of a resource holds before and after every command, or the service would have to refuse what its contract
says it accepts. Each do and each undo is looked at by itself: from any record that keeps the invariant, and on which
the command is accepted, the record still keeps it afterwards. What a run gives back of a `hold` it has taken before, so
a `-=` on such a field never takes what other runs hold.

A field that `references` another record needs that record to be there, which is: not in its initial state, for as long
as the record with the field is there. So the one that is referred to is made first and undone last.
""",
        """
service warehouse {
  resource Stock[sku: string] {
    available: int
    invariant available >= 0
  }
  command take(sku: string, quantity: int)
    changes Stock[sku] { available -= quantity }
    idempotent
  command put(sku: string, quantity: int)
    changes Stock[sku] { available += quantity }
    idempotent
    revokes take
}

saga Order version 1 {
  key order
  input {
    order: uuid
    sku: string
    quantity: int where quantity > 0
  }
  step take { do warehouse.take(sku, quantity)  compensate warehouse.put(sku, quantity) }
}
""",
        """
service warehouse {
  resource Stock[sku: string] {
    available: int
    invariant available >= 0
  }
  command take(sku: string, quantity: int)
    changes Stock[sku] { requires available >= quantity  available -= quantity }
    idempotent
    fails OutOfStock
  command put(sku: string, quantity: int)
    changes Stock[sku] { available += quantity }
    idempotent
    revokes take
}

saga Order version 1 {
  key order
  input {
    order: uuid
    sku: string
    quantity: int where quantity > 0
  }
  step take { do warehouse.take(sku, quantity)  compensate warehouse.put(sku, quantity) }
}
""",
    ),
    Code(
        "B7",
        "error",
        "something is gained or lost",
        """
An `ensure` that compares with `old(…)` says what a run conserves: the sum of two balances, say. It is proved over the
run's own effects, with every value of the input and every result. The rows of the trace show the records before and
after each act; the sums differ in the last one.
""",
        """
service ledger {
  resource Account[account: string] {
    balance: int
    invariant balance >= 0
  }
  command debit(account: string, amount: int)
    changes Account[account] { requires balance >= amount  balance -= amount }
    idempotent
    fails InsufficientFunds
  command credit(account: string, amount: int)
    changes Account[account] { balance += amount }
    idempotent
  command recredit(account: string, amount: int)
    changes Account[account] { balance += amount }
    idempotent
    revokes debit
}

saga Transfer version 1 {
  key transfer
  input {
    transfer: uuid
    sender: string
    recipient: string
    amount: int where amount > 2
  }
  step debit { do ledger.debit(sender, amount)  compensate ledger.recredit(sender, amount) }
  pivot step credit after debit {
    do ledger.credit(recipient, amount - 2)
    irreversible because "the recipient may have spent it"
    retry forever
  }
  ensure at completed: Account[sender].balance + Account[recipient].balance
    == old(Account[sender].balance) + old(Account[recipient].balance)
}
""",
        """
service ledger {
  resource Account[account: string] {
    balance: int
    invariant balance >= 0
  }
  command debit(account: string, amount: int)
    changes Account[account] { requires balance >= amount  balance -= amount }
    idempotent
    fails InsufficientFunds
  command credit(account: string, amount: int)
    changes Account[account] { balance += amount }
    idempotent
  command recredit(account: string, amount: int)
    changes Account[account] { balance += amount }
    idempotent
    revokes debit
}

saga Transfer version 1 {
  key transfer
  input {
    transfer: uuid
    sender: string
    recipient: string
    amount: int where amount > 2
  }
  step debit { do ledger.debit(sender, amount)  compensate ledger.recredit(sender, amount) }
  pivot step credit after debit {
    do ledger.credit(recipient, amount)
    irreversible because "the recipient may have spent it"
    retry forever
  }
  ensure at completed: Account[sender].balance + Account[recipient].balance
    == old(Account[sender].balance) + old(Account[recipient].balance)
}
""",
    ),
    Code(
        "D3",
        "error",
        "a choice leaves a case out, or takes two branches",
        """
`exactly one of a, b` says that the guards of these steps cover every case, and never hold together; `at least one of`
says only the first. The trace shows values for which none of them runs, or two do: often the one value on the border
between two comparisons.
""",
        """
saga Payout version 1 {
  key payout
  input { payout: uuid  amount: int where amount > 0 }
  step instant { when amount < 100  do bank.send_now(payout)  compensate bank.recall_now(payout) }
  step batched { when amount > 100  do bank.enlist(payout)  compensate bank.strike(payout) }
  exactly one of instant, batched
}
""",
        """
saga Payout version 1 {
  key payout
  input { payout: uuid  amount: int where amount > 0 }
  step instant { when amount < 100  do bank.send_now(payout)  compensate bank.recall_now(payout) }
  step batched { when amount >= 100  do bank.enlist(payout)  compensate bank.strike(payout) }
  exactly one of instant, batched
}
""",
    ),
    Code(
        "D4",
        "error",
        "a step may be refused by a command that declares no failure",
        """
A command with a source state or a `requires` is refused where that does not hold. So either it declares a `fails`, and
the step may fail; or what it needs holds whenever the step is sent, because steps before it have brought it about, or
because the record is the run's own and still in its initial state.

This is what makes `retry forever` behind the pivot honest: a service that refuses for ever is never done.

A step that may be refused must also be accepted in some run: a record of the run's own starts in its initial state, so
a command that needs it in another one, which no step before brings it into, is always refused.
""",
        """
service courier {
  resource Parcel[order: uuid] { states none*, booked, collected }
  command collect(order: uuid)
    changes Parcel[order] booked -> collected
    idempotent
}

saga Shipping version 1 {
  key order
  input { order: uuid }
  pivot step collect {
    do courier.collect(order)
    irreversible because "the parcel is on its way"
    retry forever
  }
}
""",
        """
service courier {
  resource Parcel[order: uuid] { states none*, booked, collected }
  command book(order: uuid)
    changes Parcel[order] none -> booked
    idempotent
  command unbook(order: uuid)
    changes Parcel[order] booked -> none
    idempotent
    revokes book
  command collect(order: uuid)
    changes Parcel[order] booked -> collected
    idempotent
}

saga Shipping version 1 {
  key order
  input { order: uuid }
  step book { do courier.book(order)  compensate courier.unbook(order) }
  pivot step collect after book {
    do courier.collect(order)
    irreversible because "the parcel is on its way"
    retry forever
  }
}
""",
    ),
    Code(
        "F",
        "error",
        "a rule of the saga does not hold in every run",
        """
`require e before s`, `forbid s when e`, the `where` of an output and every `ensure` are rules over whole runs. They are
proved for every input, every result, every failure and every interleaving, and `ensure always` in every state between.
The trace shows the smallest run that breaks the rule.

A rule is not repaired by the executor: where it does not hold, the saga has to be changed, or the rule says too much.
""",
        """
saga Payout version 1 {
  key payout
  input { payout: uuid  amount: int }
  step screen { when amount > 500  do risk.screen(payout)  compensate risk.forget(payout) }
  step pay after screen { do bank.pay(payout)  compensate bank.recall(payout) }
  require screen.done before pay when amount > 100
}
""",
        """
saga Payout version 1 {
  key payout
  input { payout: uuid  amount: int }
  step screen { when amount > 100  do risk.screen(payout)  compensate risk.forget(payout) }
  step pay after screen { do bank.pay(payout)  compensate bank.recall(payout) }
  require screen.done before pay when amount > 100
}
""",
    ),
    Code(
        "W703",
        "warning",
        "a rule that never applies",
        """
The condition of a `require … when` never holds where its step is sent, so the rule says nothing. Often a bound has
moved and the rule has not.
""",
        """
saga Payout version 1 {
  key payout
  input { payout: uuid  amount: int where amount <= 1000 }
  step screen { do risk.screen(payout)  compensate risk.forget(payout) }
  step pay after screen { do bank.pay(payout)  compensate bank.recall(payout) }
  require screen.done before pay when amount > 1000
}
""",
        """
saga Payout version 1 {
  key payout
  input { payout: uuid  amount: int where amount <= 1000 }
  step screen { do risk.screen(payout)  compensate risk.forget(payout) }
  step pay after screen { do bank.pay(payout)  compensate bank.recall(payout) }
  require screen.done before pay when amount > 100
}
""",
    ),
)
