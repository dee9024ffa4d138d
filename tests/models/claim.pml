// SPDX-License-Identifier: MIT
// A claim on a cluster, where the session and the user are in different slots, so that no step changes both: two scripts, and an
// intent beside the user's records that tells what is still to do. Whoever claims may die after any step; a later claim, a beat or
// `doctor --fix` goes on (`finish`). One connection is looked at, and the instance that runs its session with the server.
//
// The steps of a claim:
//   read_session   what the session has, with its revision
//   write_user     one script at the user: the record, where it came from (claimed_from), the lease of its holder, the intent
//   remove_session one script at the session: the record goes if it still is as it was read
//   drop_intent    at the user
//
// What must hold:
//   - The connection is never with nobody, whoever dies.
//   - What the session has changed since it was read is not removed.
//   - What the user does with the connection afterwards is not undone by a claim that is repeated.
//   - One instance runs it, before, during and after.
//   - When nobody does anything any more, no intent is left, and the session has nothing of what was claimed.
//
// Each of the faults DELETE_FIRST, NO_BASIS, NO_ORIGIN, NO_LEASE, EARLY_END and NO_FINISH must be found.

#ifndef CLAIMS
#define CLAIMS 2
#endif
#define NOBODY 0
#define HOLDER 1 // the instance that runs the session with the server
#define OTHER 2  // takes what nobody has

// At the session: a revision (0: there is no record), whether somebody wants the connection, and its lease.
byte session_revision = 1;
bool session_managed = true;
byte session_lease = HOLDER;
// At the user, and the intent: the revision of the session that is to be removed.
byte user_revision = 0;
bool user_managed = false;
byte user_lease = NOBODY;
byte claimed_from = 0, intent = 0;

// What only the proof knows.
bool user_has_ended = false; // the user has disconnected it, after it was claimed
byte runs_session = HOLDER, runs_user = NOBODY; // who runs a session with the server for that record
byte claims = 0;

inline read_session(basis, found_managed, found_lease) {
  atomic {
    basis = session_revision;
    found_managed = session_managed;
    found_lease = session_lease
  }
}

// The claim rule: the user's record wins where it is CONNECTED. Here it has none, or one from a claim, or one that is disconnected.
inline write_user(basis, found_managed, found_lease) {
  atomic {
    if
#ifdef NO_ORIGIN
    :: user_managed -> skip
#else
    :: user_managed || claimed_from == basis -> skip // done already, whatever the user has made of it since
#endif
    :: else ->
      assert(!user_has_ended || basis != claimed_from) // nothing comes back;
      user_revision++;
      user_managed = found_managed;
      claimed_from = basis;
#ifndef NO_LEASE
      if
      :: found_lease != NOBODY && user_lease == NOBODY -> user_lease = found_lease
      :: else
      fi
#endif
    fi;
    intent = basis
  }
}

inline remove_session(basis) {
  atomic {
    if
#ifdef NO_BASIS
    :: session_revision != 0 ->
#else
    :: session_revision != 0 && session_revision == basis ->
#endif
      assert(session_revision == basis); // a change of the session is not lost
      session_revision = 0;
      session_managed = false;
      session_lease = NOBODY
    :: else
    fi
  }
}

inline drop_intent(basis) {
  atomic {
    if
    :: intent == basis -> intent = 0
    :: else
    fi
  }
}

// Each step may be the last that it does.
proctype claim() {
  byte basis, found_lease;
  bool found_managed;
  read_session(basis, found_managed, found_lease);
  if
  :: basis == 0 -> goto over
  :: else
  fi;
#ifdef DELETE_FIRST
  remove_session(basis);
  if
  :: goto over
  :: skip
  fi;
  write_user(basis, found_managed, found_lease);
#else
  write_user(basis, found_managed, found_lease);
  if
  :: goto over
  :: skip
  fi;
  remove_session(basis);
#endif
  if
  :: goto over
  :: skip
  fi;
  drop_intent(basis);
over:
  atomic { claims++ }
}

// A beat, or `doctor --fix`: what somebody has begun.
active proctype finish() {
  byte basis;
end_finish:
  do
#ifndef NO_FINISH
  :: atomic { intent != 0 -> basis = intent };
    remove_session(basis);
    drop_intent(basis)
#endif
  :: false
  od
}

// The one who runs it goes on with the same session, for the record that has its lease. Of the session's record it keeps the lease
// as long as that is there: nobody else shall open it.
active proctype holder() {
end_holder:
  do
  :: atomic { runs_session == HOLDER && user_lease == HOLDER ->
      runs_user = HOLDER;
      runs_session = NOBODY
#ifdef EARLY_END
      ; session_lease = NOBODY
#endif
    }
  // Its lease is gone, and none was given for it: it closes the session.
  :: atomic { runs_session == HOLDER && session_lease != HOLDER && user_lease != HOLDER -> runs_session = NOBODY }
  // Nobody wants it any more: it closes the session, then ends the lease.
  :: atomic { runs_user == HOLDER && !user_managed -> runs_user = NOBODY; user_lease = NOBODY }
  :: atomic { runs_session == HOLDER && session_lease == HOLDER && !session_managed && user_lease != HOLDER ->
      runs_session = NOBODY; session_lease = NOBODY }
  :: atomic { runs_session == NOBODY && session_lease == HOLDER && !session_managed -> session_lease = NOBODY }
  od
}

// Another instance takes what is wanted and has no lease.
active proctype other() {
end_other:
  do
  :: atomic { user_managed && user_lease == NOBODY -> user_lease = OTHER; runs_user = OTHER }
  :: atomic { session_managed && session_lease == NOBODY -> session_lease = OTHER; runs_session = OTHER }
  :: atomic { runs_user == OTHER && !user_managed -> runs_user = NOBODY; user_lease = NOBODY }
  :: atomic { runs_session == OTHER && session_lease != OTHER -> runs_session = NOBODY }
  od
}

// The user disconnects what was claimed, once; the visitor whose session it is disconnects it, once.
active proctype user() {
end_user:
  atomic { user_revision != 0 && user_managed -> user_revision++; user_managed = false; user_has_ended = true }
}
active proctype visitor() {
end_visitor:
  atomic { session_revision == 1 -> session_revision = 2; session_managed = false }
}

// Whatever happens in whatever order.
active proctype monitor() {
end_monitor:
  do
  :: atomic { session_revision == 0 && user_revision == 0 -> assert(false) }
  :: atomic { runs_session != NOBODY && runs_user != NOBODY -> assert(false) }
  od
}

active proctype end() {
end_end:
  timeout;
  assert(claims < CLAIMS || (intent == 0 && (session_revision == 0 || session_revision != claimed_from)))
}

init {
  byte i = 0;
  atomic {
    do
    :: i < CLAIMS -> run claim(); i++
    :: else -> break
    od
  }
}
