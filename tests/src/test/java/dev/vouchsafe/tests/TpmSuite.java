package dev.vouchsafe.tests;

import static org.junit.platform.engine.discovery.ClassNameFilter.includeClassNamePatterns;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectPackage;
import static org.junit.platform.launcher.TagFilter.excludeTags;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/**
 * The suites of the TPM key store as a program of their own, for a machine that has nothing but
 * what they need. Its last line is {@code RESULT passed failed skipped}.
 */
final class TpmSuite {
  private TpmSuite() {}

  public static void main(String[] args) {
    SummaryGeneratingListener seen = new SummaryGeneratingListener();
    Launcher launcher = LauncherFactory.create();
    launcher.execute(
        LauncherDiscoveryRequestBuilder.request()
            .selectors(selectPackage("dev.vouchsafe.keys"))
            .filters(
                includeClassNamePatterns(".*\\.Tpm[A-Za-z0-9]*Test"),
                excludeTags("fault", "fuzz", "bench"))
            .configurationParameter("junit.jupiter.execution.timeout.default", "120 s")
            .build(),
        seen);
    TestExecutionSummary summary = seen.getSummary();
    PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    summary.printFailuresTo(out, 10);
    long skipped = summary.getTestsSkippedCount() + summary.getTestsAbortedCount();
    out.println(
        "RESULT "
            + summary.getTestsSucceededCount()
            + " "
            + summary.getTotalFailureCount()
            + " "
            + skipped);
    System.exit(summary.getTotalFailureCount() == 0 ? 0 : 1);
  }
}
