// SPDX-License-Identifier: MIT
// The lease of one managed connection (ADR 9): instances that take it, renew it, write under it, hand it over, are frozen and
// die; a lease that runs out at any moment; somebody who gives orders.
//
// Steps have the names of what does them: the scripts of src/store/redis/scripts, and put. What a script does is one step
// here as there. Between two steps anything can happen to others, so that an instance that is slow or frozen needs no
// process of its own. One that has died does no further step: its lease runs out as that of a frozen one does.
//
// What must hold:
//   - Nothing is written under a lease that is not the current one.
//   - An order to connect that was written has a lease that runs, or stands in the index, where others find it. The index is
//     a hint that is written after a lease has ended: an instance whose next step writes it counts, too (`busy`).
//
// That holds for three instances too, and when leases run out at any time (TWO_FAULTS), because an instance that has removed
// an entry looks at the lease and at the record's revision. With the lease alone (LEASE_ONLY) the index can lose an order: one
// ends its lease and is slow; another one takes the next lease, sees an order, and leaves the connection to others (or dies);
// then the first one removes the entry, and finds no lease to put it right by.
//
// Each of the faults NO_FENCE, LATE_INDEX, NO_CORRECTION, LEASE_ONLY and LEASE_ONLY with NO_REVISION must be found.

#ifndef INSTANCES
#define INSTANCES 2
#endif
#ifndef LEASES
#define LEASES 3 // that are given at most
#endif
#ifndef REVISIONS
#define REVISIONS 3 // that are written at most
#endif
#define NOBODY 0

// The store.
byte holder = NOBODY, number = 0; // the lease; numbers are never given twice
byte given = 0;
byte revision = 0;     // of the record
bool managed = false;  // the record says that somebody wants this connection
bool indexed = false;  // it stands among the managed connections

// What only the proof knows.
byte busy = 0; // instances whose next step puts the index right

#define own_lease (holder == me && number == mine)

// An order to connect: the record, its lease and its entry in the index in one step. The lease of another holder stays.
inline order() {
  atomic {
    written = (revision == basis && revision < REVISIONS && (holder != NOBODY || given < LEASES));
    if
    :: written ->
      revision++;
      managed = true;
      if
      :: holder == NOBODY -> given++; holder = me; number = given
      :: else
      fi;
      if
      :: holder == me -> mine = number
      :: else -> mine = 0
      fi;
#ifndef LATE_INDEX
      indexed = true
#endif
    :: else
    fi
  }
}

// Gives the number 0 when another instance has it. The holder gets the number again that it has.
inline take_lease() {
  atomic {
    if
    :: holder == me -> mine = number; busy++
    :: holder == NOBODY && given < LEASES -> given++; holder = me; number = given; mine = given; busy++
    :: else -> mine = 0
    fi
  }
}

// A write under the own lease, based on a revision: what became of an attempt.
inline put() {
  atomic {
#ifdef NO_FENCE
    written = (revision == basis);
#else
    written = (own_lease && revision == basis);
#endif
    if
    :: written ->
      assert(own_lease);
      revision++
    :: else
    fi
  }
}

// Ends the lease as over for a revision of the record. When it has another one, somebody may want the connection again.
inline end_lease() {
  atomic {
    ended = own_lease;
    changed = (revision != basis);
#ifdef NO_REVISION
    changed = false;
#endif
    if
    :: ended -> holder = NOBODY; busy++
    :: else
    fi
  }
}

// "held" or "waits"; and "over".
inline index_leases() { indexed = true }
inline unindex_leases() { indexed = false }
inline index_own() { atomic { indexed = true; busy-- } }

proctype instance(byte me) {
  byte mine, basis;
  bool written, ended, changed, wanted, wrong;
idle:
  atomic { mine = 0; basis = 0; written = false; ended = false; changed = false; wanted = false; wrong = false };
end_idle:
  if
  :: revision < REVISIONS ->
    basis = revision;
    order();
    if
    :: written && mine != 0 ->
#ifdef LATE_INDEX
      if
      :: goto idle // it dies before it has written the entry
      :: index_leases()
      fi;
#endif
      goto manage
    :: written && mine == 0 -> goto idle
    :: !written -> goto idle
    fi
  // A beat shows a connection that nobody manages.
  :: indexed && holder == NOBODY && given < LEASES ->
    take_lease();
    if
    :: mine != 0 -> index_own(); goto manage
    :: else -> goto idle
    fi
  fi;
manage:
  if
  // renew_lease; the entry of the index comes with it. Who has lost its lease stops.
  :: own_lease -> index_leases(); goto manage
  :: !own_lease -> goto idle
  :: atomic { basis = revision; wanted = managed };
    if
    :: wanted && revision < REVISIONS -> put(); goto manage
    :: wanted && revision >= REVISIONS -> goto manage
    :: !wanted ->
      end_lease();
      if
      :: ended && changed -> index_own()
      :: ended && !changed ->
        unindex_leases();
#ifdef NO_CORRECTION
        busy--
#else
        // index_running: the step before may have overwritten the entry of who has taken the lease since.
        atomic {
          if
#ifdef LEASE_ONLY
          :: holder != NOBODY -> wrong = true
#else
          :: holder != NOBODY || revision != basis -> wrong = true
#endif
          :: else
          fi
        };
        if
        :: wrong -> index_own()
        :: else -> busy--
        fi
#endif
      :: !ended
      fi;
      goto idle
    fi
  fi
}

// The holder has died, or could not renew in time.
active proctype expiry() {
end_expiry:
  do
#ifdef TWO_FAULTS
  :: atomic { holder != NOBODY -> holder = NOBODY }
#else
  :: atomic { holder != NOBODY && busy == 0 -> holder = NOBODY }
#endif
  od
}

// Who wants the connection gone writes that under no lease.
active proctype disconnect() {
end_disconnect:
  do
  :: atomic { revision < REVISIONS -> revision++; managed = false }
  od
}

// Whatever happens in whatever order.
active proctype monitor() {
end_monitor:
  atomic { managed && holder == NOBODY && !indexed && busy == 0 -> assert(false) }
}

init {
  byte i = 1;
  atomic {
    do
    :: i <= INSTANCES -> run instance(i); i++
    :: else -> break
    od
  }
}
