// Properties of a bound class that are members of its members: one function for all of a type.
#pragma once

template <class Whole, class Part, class Member>
auto part(Part Whole::* from, Member Part::* member) {
  return [=](const Whole& whole) -> const Member& { return whole.*from.*member; };
}
