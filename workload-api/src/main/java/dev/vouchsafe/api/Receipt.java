package dev.vouchsafe.api;

/** What becomes of an answer, for those who remember it. Both run off the event loop. */
interface Receipt {
  /** Nobody remembers it. */
  Receipt NONE =
      new Receipt() {
        @Override
        public void arrived() {
          // Nothing is remembered.
        }

        @Override
        public void lost() {
          // Nothing is remembered.
        }
      };

  /** It went to the connection of its caller. */
  void arrived();

  /** It had {@link #arrived} and was lost after all. */
  void lost();
}
