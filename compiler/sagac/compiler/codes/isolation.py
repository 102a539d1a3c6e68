"""Codes of the proofs about several actions on one record: unordered steps, what undos leave, and other runs."""

from __future__ import annotations

from sagac.compiler.codes.catalogue import Code

PARCEL = """
service depot {
  owner "tests"
  resource Parcel[order: uuid] {
    states none*, open, sealed
    items: int
  }
  command start(order: uuid)
    changes Parcel[order] none -> open
    idempotent
    fails Known
  command scrap(order: uuid)
    changes Parcel[order] open -> none
    idempotent
    revokes start
  command pack(order: uuid, count: int)
    changes Parcel[order] open -> open { items += count }
    idempotent
    fails Closed
  command unpack(order: uuid, count: int)
    changes Parcel[order] open -> open { items -= count }
    idempotent
    revokes pack
  command seal(order: uuid)
    changes Parcel[order] open -> sealed
    idempotent
    fails Empty
  command unseal(order: uuid)
    changes Parcel[order] sealed -> open
    idempotent
    revokes seal
}

saga Parcels version 1 {
  key order
  input { order: uuid  count: int }
  step start { do depot.start(order)  compensate depot.scrap(order) }
  step pack after start { do depot.pack(order, count)  compensate depot.unpack(order, count) }
  step seal after START { do depot.seal(order)  compensate depot.unseal(order) }
}
"""

FEE = """
service bank {
  owner "tests"
  resource Account[customer: uuid] {
    states none*, open
    balance: int
    fees: int
  }
  command open(customer: uuid)
    changes Account[customer] none -> open { balance := 0  fees := 0 }
    idempotent
    fails Known
  command close(customer: uuid)
    changes Account[customer] open -> none CLOSE
    idempotent
    revokes open
  command fund(customer: uuid, amount: int)
    changes Account[customer] open -> open { balance += amount }
    idempotent
    fails Refused
  command refund(customer: uuid, amount: int)
    changes Account[customer] open -> open { balance -= amount  fees += 1 }
    idempotent
    revokes fund
}

saga Opening version 1 {
  key customer
  input { customer: uuid  amount: int where amount > 0 }
  step open { do bank.open(customer)  compensate bank.close(customer) }
  step fund after open {
    do bank.fund(customer, amount)
    mitigate bank.refund(customer, amount) because "the bank keeps a fee"
  }
}
"""

OFFER = """
service shop {
  owner "tests"
  resource Offer[sku: string] {
    states draft*, live
    sold: int
  }
  command publish(sku: string)
    changes Offer[sku] draft -> live
    idempotent
    fails Published
  command withdraw(sku: string)
    changes Offer[sku] live -> draft
    idempotent
    revokes publish
  command sell(sku: string)
    changes Offer[sku] live -> live { sold += 1 }
    idempotent
    fails NotLive
  command announce(campaign: uuid)
    idempotent
    fails Refused
  command retract(campaign: uuid)
    idempotent
    revokes announce
}

saga Campaign version 1 {
  key campaign
  input { campaign: uuid  sku: string }
  step publish { do shop.publish(sku)  compensate shop.withdraw(sku)  LOCK }
  step announce after publish { do shop.announce(campaign)  compensate shop.retract(campaign) }
}

saga Sale version 1 {
  key sale
  input { sale: uuid  sku: string }
  pivot step sell {
    do shop.sell(sku)
    irreversible because "a sale is a sale"
    retry forever
    LOCK
  }
}
"""

STOCK = """
service warehouse {
  owner "tests"
  resource Stock[sku: string] {
    available: int
    invariant available >= 0
  }
  command count(sku: string, quantity: int)
    changes Stock[sku] { requires available >= quantity }
    idempotent
    fails OutOfStock
  command take(sku: string, quantity: int)
    changes Stock[sku] { requires available >= quantity  available -= quantity }
    idempotent
  command charge(order: uuid)
    idempotent
    fails Declined
}

saga Order version 1 {
  key order
  input { order: uuid  sku: string  quantity: int where quantity > 0 }
  step count {
    do warehouse.count(sku, quantity)
    left because "counting changes nothing"
    on unknown hold
    LOCK
  }
  pivot step charge after count {
    do warehouse.charge(order)
    irreversible because "the money is gone"
    retry forever
  }
  step take after charge { do warehouse.take(sku, quantity)  retry forever }
}
"""

CODES: tuple[Code, ...] = (
    Code(
        "B2",
        "error",
        "steps that are not ordered do not come to the same in either order",
        """
Steps without an order between them may take effect in either one, and so may their undos. So wherever both can run on
one record, the two orders have to come to the same: if both are accepted in one order they are in the other, they
return the same, and the records end the same. Only then does an undo find what its step has left.

The trace shows two steps, and both orders of them. Order them with `after`, let them mean different records, or let
their `when` exclude one another.
""",
        PARCEL.replace("START", "start"),
        PARCEL.replace("START", "start, pack").replace("after start, pack", "after pack"),
    ),
    Code(
        "B3",
        "error",
        "what one undo leaves behind gets into the way of another",
        """
An undo may leave something: a fee that a `mitigate` declares, a state that is clean but not the one before, a step
that is `left`. The undos that come later meet it. Each of them has to be accepted all the same, and to take back what
its own step did and no more.

The trace shows an undo that is refused, or that does something else, for what an earlier one has left. Let the undo
accept it, or leave it in another record.
""",
        FEE.replace("CLOSE", "{ requires fees == 0 }"),
        FEE.replace(" CLOSE", ""),
    ),
    Code(
        "B4",
        "error",
        "another run may build on an effect that is then undone",
        """
Until a run is over, each of its effects may still be undone. In the meantime other runs, of the same saga or of
another one, go on. If one of them does something that it could not have done, or would have done otherwise, without
that effect, then the undo pulls the ground from under it: it has read what was never meant to stay.

The trace shows both orders of the two actions. Countermeasures, from the lightest: change by `+=` and `-=` instead of
`:=`; count what is set aside in a `hold` field; let a state say that it is not final yet, and require another one;
do the step later, after the point of no return; or take a `lock` on the record in both sagas.
""",
        OFFER.replace("  LOCK", ""),
        OFFER.replace("LOCK", "lock Offer[sku] within 1m"),
    ),
    Code(
        "B5",
        "error",
        "another run may take away what an undo, or a step that cannot fail, relies on",
        """
An undo has to be accepted whenever it comes, and so has a step after the point of no return. What the service checks
for it held once: right after its step, or when an earlier step looked. Here another run takes it away in between.

The trace shows who does. Reserve it with a `hold` field instead of looking whether it is there, take a `lock`, or, for
an undo, say `on refusal hold because "…"`: then a person settles a refused one.
""",
        STOCK.replace("    LOCK\n", ""),
        STOCK.replace("LOCK", "lock Stock[sku] within 1m"),
    ),
)
