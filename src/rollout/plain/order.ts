/** Plain nodes that are worked on at a time once the first of them has proven itself. */
export const AT_ONCE = 4;
