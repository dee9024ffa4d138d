// SPDX-License-Identifier: MIT
// What is promised when Sentinel makes a replica the primary. Writes are numbered; each node has a part of them, and replicas get them
// in order, each at its own pace. A node is cut off from the others at any moment, and so is the client with it; Sentinel promotes a
// replica then; the node that was primary goes on taking writes until it hears of that, and then throws away what it has more.
//
// The steps of a client:
//   put            the primary that it knows writes; without --durable the write is acknowledged at once
//   wait           with --durable (DURABLE): acknowledged once WAIT has counted so many replicas (WAITED, by default all)
//   switch_master  a majority of the Sentinels names another primary: no write goes to the old one any more
//
// What must hold:
//   - What was acknowledged after the client has heard of the new primary is there (any).
//   - With --durable: what was acknowledged is there, whenever (DURABLE).
//
// Each of these must be found: a client that goes on with its old link until it is told READONLY (KEEP_LINK); --durable without WAIT
// (NO_WAIT), with a number that leaves a replica out (WAITED=1 of two), with a primary that comes back empty, because nothing was on
// disk, before Sentinel acts (EMPTY_RESTART); no --durable where everything must survive (STRICT).

#define NODES 3
#define WRITES 3
#ifndef WAITED
#define WAITED 2
#endif

// A node has the writes 1 to has[node]; those above shared[node] it has by itself since it lost its replicas.
byte has[NODES];
byte primary = 0;         // as Sentinel says
bool takes[NODES];        // writes: it believes that it is the primary
byte source[NODES];       // whose replica it is; itself: nobody's
bool cut = false;         // node 0 is cut off from the other nodes and from the Sentinels
bool failed_over = false;

// The client: where its link leads, how many writes it has sent, what it was told.
byte link = 0;
bool heard = false;
byte sent = 0;
byte told = 0;            // the last write that was acknowledged before it heard of the new primary
byte told_there = 0;      // how many were acknowledged afterwards
byte written_there = 0;   // how many the new primary has taken from it

inline put() {
  atomic {
    takes[link] && sent < WRITES ->
    sent++;
    has[link]++;
    if
    :: link != 0 -> written_there++
    :: else
    fi
  }
}

// Replicas that have all of the node's writes.
#define counted(node) ((source[1] == node && node != 1 && has[1] >= has[node] -> 1 : 0) + (source[2] == node && node != 2 && has[2] >= has[node] -> 1 : 0))

active proctype client() {
end_client:
  do
  :: put();
#if defined(DURABLE) && !defined(NO_WAIT)
    // Fewer: `not_replicated`, which is no acknowledgement; then the old primary is not waited for any longer.
    if
    :: atomic { link == 0 && counted(0) >= WAITED -> told = has[0] }
    :: atomic { link != 0 && counted(link) >= 1 -> told_there = written_there }
    :: skip
    fi
#else
    atomic {
      if
      :: link == 0 && !heard -> told = has[0]
      :: link == 0 && heard -> assert(false) // acknowledged by a node that is known to be the primary no more
      :: else -> told_there = written_there
      fi
    }
#endif
  // switch_master
  :: atomic { failed_over && !heard ->
      heard = true;
#ifndef KEEP_LINK
      link = primary
#endif
    }
#ifdef KEEP_LINK
  :: atomic { heard && link == 0 && !takes[0] -> link = primary }
#endif
  od
}

// A replica gets the next write of its source, if it can reach it.
active proctype replication() {
  byte node;
end_replication:
  do
  :: atomic { source[1] == 0 && !cut && has[1] < has[0] -> has[1]++ }
  :: atomic { source[2] == 0 && !cut && has[2] < has[0] -> has[2]++ }
  :: atomic { source[1] == 2 && has[1] < has[2] -> has[1]++ }
  :: atomic { source[2] == 1 && has[2] < has[1] -> has[2]++ }
  // What it has more than its source goes.
  :: atomic { source[1] == 2 && has[1] > has[2] -> has[1] = has[2] }
  :: atomic { source[2] == 1 && has[2] > has[1] -> has[2] = has[1] }
  :: atomic { source[0] != 0 && !cut && has[0] != has[primary] -> has[0] = has[primary] }
#ifdef EMPTY_RESTART
  :: atomic { source[1] == 0 && !cut && has[1] > has[0] -> has[1] = has[0] }
  :: atomic { source[2] == 0 && !cut && has[2] > has[0] -> has[2] = has[0] }
#endif
  od
}

// Node 0 fails or is cut off, once; Sentinel promotes one of the others, whichever it reaches; later the old one hears of it.
active proctype sentinel() {
  byte chosen;
#ifdef EMPTY_RESTART
  if
  :: has[0] = 0
  :: skip
  fi;
#endif
end_sentinel:
  cut = true;
  if
  :: chosen = 1
  :: chosen = 2
  fi;
  atomic {
    primary = chosen;
    takes[chosen] = true;
    source[chosen] = chosen;
    source[3 - chosen] = chosen;
    failed_over = true;
    // What was acknowledged before, and is not there.
#if defined(DURABLE) || defined(STRICT)
    assert(has[chosen] >= told)
#endif
  };
  cut = false;
  atomic { takes[0] = false; source[0] = primary }
}

// What the new primary acknowledged stays: nothing replaces it.
active proctype monitor() {
end_monitor:
  atomic { failed_over && has[primary] < told_there -> assert(false) }
}

init {
  atomic { takes[0] = true; source[0] = 0; source[1] = 0; source[2] = 0 }
}
