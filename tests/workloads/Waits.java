// SPDX-License-Identifier: GPL-2.0-only

import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/** Waits KIND [ROUNDS [HOLD_MS]]: a thread waits ROUNDS times, the way that KIND says. */
public class Waits {
    private static final Object monitor = new Object();
    private static final ReentrantLock lock = new ReentrantLock();
    private static volatile int go, done, letGo;

    private static void sleep(int milliseconds) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void waitOnce(String kind, int round) {
        switch (kind) {
            case "synchronized":
                synchronized (monitor) {
                    done = round;
                }
                break;
            case "lock":
                lock.lock();
                lock.unlock();
                break;
            default:
                while (letGo < round) {
                    LockSupport.park();
                }
        }
        done = round;
    }

    private static void waiterMain(String kind, int rounds) {
        for (int round = 1; round <= rounds; round++) {
            while (go < round) {
                sleep(1);
            }
            waitOnce(kind, round);
        }
    }

    private static void hold(String kind, int round, Thread waiter, int pause) {
        switch (kind) {
            case "synchronized":
                synchronized (monitor) {
                    go = round;
                    sleep(pause);
                }
                break;
            case "lock":
                lock.lock();
                go = round;
                sleep(pause);
                lock.unlock();
                break;
            default:
                go = round;
                sleep(pause);
                letGo = round;
                LockSupport.unpark(waiter);
        }
    }

    public static void main(String[] args) throws InterruptedException {
        if (args.length < 1 || !args[0].matches("synchronized|lock|park")) {
            System.err.println("usage: Waits synchronized|lock|park [ROUNDS [HOLD_MS]]");
            System.exit(1);
        }
        String kind = args[0];
        int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 23;
        int pause = args.length > 2 ? Integer.parseInt(args[2]) : 5;
        Thread waiter = new Thread(() -> waiterMain(kind, rounds), "waiter");
        waiter.start();
        for (int round = 1; round <= rounds; round++) {
            hold(kind, round, waiter, pause);
            while (done < round) {
                sleep(1);
            }
        }
        waiter.join();
        System.out.printf("{\"pid\":%d,\"kind\":\"park\",\"rounds\":%d}%n",
                ProcessHandle.current().pid(), rounds);
    }
}
