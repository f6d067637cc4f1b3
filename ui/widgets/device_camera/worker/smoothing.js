/* Smoothing of a face's readings over time: `emotion/live/smoothing.py`. */

/** Start a trace with a first reading. */
export function begin(rules, probabilities, time) {
  return {
    time,
    readings: 1,
    probabilities,
    emotion: leading(rules, probabilities),
    rival: null,
    anchor: probabilities,
    anchoredAt: time + rules.smoothing.WARM_UP_SECONDS,
  };
}

/** The trace with one more reading. A time constant of 0 means no smoothing. */
export function after(rules, trace, probabilities, time, timeConstant = rules.smoothing.SMOOTHING_SECONDS) {
  time = Math.max(time, trace.time);
  const readings = trace.readings + 1;
  let weight = 1;
  if (timeConstant > 0) {
    weight = Math.max(1 - Math.exp((trace.time - time) / timeConstant), 1 / readings);
  }
  const smoothed = trace.probabilities.map((before, i) => before + weight * (probabilities[i] - before));
  const { emotion, rival } = named(rules, trace, smoothed, time);
  let { anchor, anchoredAt } = trace;
  if (time < anchoredAt) {
    anchor = smoothed;
  } else if (emotion !== trace.emotion || distance(anchor, smoothed) > rules.smoothing.STABLE_MAX_DISTANCE) {
    anchor = smoothed;
    anchoredAt = time;
  }
  return { time, readings, probabilities: smoothed, emotion, rival, anchor, anchoredAt };
}

/** For how many seconds the trace has not changed. */
export function stableFor(trace) {
  return Math.max(0, trace.time - trace.anchoredAt);
}

export function meanProbabilities(rows) {
  return rows[0].map((_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length);
}

function named(rules, trace, smoothed, time) {
  const { SWITCH_LEAD, SWITCH_AFTER_SECONDS, SPARSE_AFTER_SECONDS } = rules.smoothing;
  const first = leading(rules, smoothed);
  const of = (emotion) => smoothed[rules.emotions.indexOf(emotion)];
  if (first === trace.emotion || of(first) - of(trace.emotion) < SWITCH_LEAD) {
    return { emotion: trace.emotion, rival: null };
  }
  const since = trace.rival?.emotion === first ? trace.rival.since : time;
  const sparse = time - trace.time >= SPARSE_AFTER_SECONDS;
  if (sparse || time - since >= SWITCH_AFTER_SECONDS) return { emotion: first, rival: null };
  return { emotion: trace.emotion, rival: { emotion: first, since } };
}

function leading(rules, probabilities) {
  return rules.emotions[probabilities.indexOf(Math.max(...probabilities))];
}

function distance(before, now) {
  return before.reduce((sum, value, i) => sum + Math.abs(now[i] - value), 0) / 2;
}
